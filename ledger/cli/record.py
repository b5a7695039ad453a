"""`ledger record`: append one event from options, or a stream of them from JSONL."""

import sys
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import click
import msgspec

from ledger.cli.base import (
    open_ledger,
    print_table,
    recording_options,
)
from ledger.errors import BadArguments, LedgerError, Malformed
from ledger.events import FAMILIES, KINDS, find_kind
from ledger.events.base import Kind, field_docs
from ledger.events.form import completed, field_types, parse_body
from ledger.ids import is_hash, is_hash_prefix
from ledger.ledger import Ledger
from ledger.queries.base import Table
from ledger.recorder import MAX_BATCH, Draft, Receipt

_STREAM_FIELDS = ("kind", "body", "cites", "stream", "branch")


def _complete_kind(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    return [name for name in KINDS if name.startswith(start)]


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    epilog="Examples:\n\n\b\n  ledger record note.added --text 'the cache was cold'\n"
    "  ledger record claim.stated --help\n"
    "  ledger record note.added --text 'the key was k-7731' --withhold text\n"
    "  ledger record --from events.jsonl        # lines of {kind, body, cites?, stream?}\n"
    "  ledger record --list",
)
@click.argument("kind", required=False, shell_complete=_complete_kind)
@click.argument("fields", nargs=-1, type=click.UNPROCESSED, metavar="[--FIELD VALUE]...")
@click.option("--from", "source", metavar="FILE|-", help="JSONL of events, all or nothing.")
@click.option("--cites", multiple=True, metavar="HASH", help="An entry it rests on; repeatable.")
@click.option("--stream", help="The import/NAME stream of a reported event.")
@click.option("--branch", help="The branch it belongs to; the main line if left out.")
@click.option(
    "--withhold",
    multiple=True,
    metavar="FIELD",
    help="Commit to this field, or a.b below it, instead of showing it; repeatable.",
)
@click.option("--list", "list_kinds", is_flag=True, help="List the kinds of event.")
@click.option("-h", "--help", "wants_help", is_flag=True, help="Show this, or a kind's fields.")
@recording_options
@click.pass_context
def record(
    ctx: click.Context,
    kind: str | None,
    fields: tuple[str, ...],
    source: str | None,
    cites: tuple[str, ...],
    stream: str | None,
    branch: str | None,
    withhold: tuple[str, ...],
    list_kinds: bool,
    wants_help: bool,
    actor: str | None,
    durable: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Append one event of KIND, or with --from a stream of them, and print position and hash.

    A field that is withheld is kept beside the record: `ledger reveal` shows it, and
    `ledger redact` takes it away for good, while the record stays as it was.
    """
    format_ = "json" if as_json else "table"
    if list_kinds:
        print_table(_list_kinds(), format_)
    elif wants_help:
        click.echo(ctx.get_help() if kind is None else describe(find_kind(kind)))
    elif (kind is None) == (source is None):
        raise BadArguments(
            "give either a KIND or --from FILE", hint="`ledger record --list` lists the kinds"
        )
    elif source is not None and withhold:
        raise BadArguments("--withhold is for one event, not for --from", hint="give a KIND")
    else:
        with open_ledger(ledger_dir, actor, durable=durable) as ledger:
            if source is not None:
                drafts = list(_read_stream(source))
                receipts = ledger.append(drafts) if drafts else []
            else:
                chosen = find_kind(kind or "")
                body = _parse_fields(chosen, fields)
                event = parse_body(chosen, body)
                whole = tuple(_whole_hash(ledger, cited) for cited in cites)
                draft = Draft(event=event, cites=whole, stream=stream, branch=branch)
                receipts = _append(ledger, draft, body, withhold)
            _print_receipts(receipts, as_json)


def _append(
    ledger: Ledger, draft: Draft, body: dict[str, Any], places: tuple[str, ...]
) -> list[Receipt]:
    """Record one event, with commitments in the places that are withheld."""
    if not places:
        return ledger.append([draft])
    from ledger import commitments

    kind = draft.event.KIND
    hidden = commitments.withhold(ledger.folder, body, tuple(map(_field_place, places)))
    try:
        try:
            event = parse_body(kind, hidden.body)
        except Malformed as error:
            raise BadArguments(
                f"{kind.name} cannot withhold that: {'; '.join(error.reasons)}",
                hint="a field of text can be withheld, and any value inside an object",
            ) from error
        return ledger.append([attrs.evolve(draft, event=event)])
    except LedgerError:  # nothing was recorded
        hidden.undo(ledger.folder)
        raise


def _field_place(place: str) -> str:
    """A place as the body spells it: options have hyphens where fields have underscores."""
    field, dot, rest = place.partition(".")
    return field.replace("-", "_") + dot + rest


def _print_receipts(receipts: Sequence[Receipt], as_json: bool) -> None:
    columns = ("position", "hash", "kind", "stream", "stream_version")
    rows = tuple(tuple(getattr(receipt, name) for name in columns) for receipt in receipts)
    if as_json:
        print_table(Table(columns, rows), "json")
    else:
        for receipt in receipts:
            click.echo(f"{receipt.position} {receipt.hash}")


def _parse_fields(kind: Kind, words: Sequence[str]) -> dict[str, Any]:
    """`--field value` pairs as a body. Text fields take the word as it is, others JSON."""
    body: dict[str, Any] = {}
    wrong = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, has_value, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            wrong.append(f"{word!r} is no --field")
            continue
        if not has_value:
            if not rest:
                wrong.append(f"--{name} has no value")
                continue
            value = rest.pop(0)
        body[name.replace("-", "_")] = _parse_value(kind, name.replace("-", "_"), value)
    if wrong:
        raise BadArguments("; ".join(wrong), hint=f"ledger record {kind.name} --help")
    return completed(kind, body)


def _parse_value(kind: Kind, name: str, value: str) -> Any:  # noqa: ANN401 - any JSON value
    wanted = field_types(kind.event).get(name)
    try:
        parsed = msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value
    try:
        msgspec.convert(parsed, type=wanted)
    except msgspec.ValidationError:
        return value
    # A text field takes the word as typed, even where it would read as JSON text in quotes.
    return value if isinstance(parsed, str) else parsed


def _whole_hash(ledger: Ledger, cited: str) -> str:
    """A cited hash in full: a unique beginning of at least six digits is enough."""
    if is_hash(cited):
        return cited
    text = cited if cited.startswith("sha256:") else f"sha256:{cited}"
    found = ledger.recorder.state.complete_hash(text) if is_hash_prefix(text) else []
    if len(found) != 1:
        what = "is ambiguous" if found else "is not an entry of this ledger"
        raise BadArguments(f"--cites {cited}: {what}", hint="`ledger query events` shows hashes")
    return found[0]


def _read_stream(source: str) -> Iterator[Draft]:
    """Events from JSONL. Raises `Malformed` with every bad line at once."""
    drafts, reasons = [], []
    try:
        lines = (
            sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        ).splitlines()
    except OSError as error:
        raise BadArguments(
            f"cannot read {source}: {error.strerror}", hint="check the name"
        ) from error
    if len(lines) > MAX_BATCH:
        raise Malformed(
            f"{source} has {len(lines)} lines; {MAX_BATCH} are taken at once",
            hint="split it: split -l 10000 FILE part-",
        )
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                drafts.append(_read_draft(line))
        except LedgerError as error:
            details = getattr(error, "reasons", ()) or (error.message,)
            reasons += [f"line {number}: {detail}" for detail in details]
    if reasons:
        raise Malformed(
            f"{source}: nothing was recorded", reasons=reasons, hint="mend these lines, try again"
        )
    yield from drafts


def _read_draft(line: bytes) -> Draft:
    hint = 'a line is {"kind": …, "body": {…}, "cites": […], "stream": …}'
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}", hint=hint) from error
    if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
        raise Malformed("not an object with a kind", hint=hint)
    unknown = sorted(set(fields) - set(_STREAM_FIELDS))
    if unknown or not isinstance(fields.get("body"), dict):
        raise Malformed(f"unknown fields {unknown}" if unknown else "no body", hint=hint)
    cites = fields.get("cites") or []
    if not isinstance(cites, list) or not all(isinstance(cited, str) for cited in cites):
        raise Malformed("cites is not a list of hashes", hint=hint)
    stream, branch = fields.get("stream"), fields.get("branch")
    if not all(value is None or isinstance(value, str) for value in (stream, branch)):
        raise Malformed("stream and branch are names, or left out", hint=hint)
    kind = find_kind(fields["kind"])
    event = parse_body(kind, completed(kind, fields["body"]))
    return Draft(event=event, cites=tuple(cites), stream=stream, branch=branch)


def _list_kinds() -> Table:
    rows = tuple((k.name, k.version, k.family, k.stream, k.summary) for k in KINDS.values())
    return Table(("kind", "version", "family", "stream", "summary"), rows)


def describe(kind: Kind) -> str:
    """A kind's page: what it is, who checks it, its fields with types and meaning."""
    docs = field_docs(kind.event)
    lines = [
        f"{kind.name} v{kind.version}: {kind.summary}",
        "",
        f"Family   {kind.family}: {FAMILIES[kind.family]}",
        f"Stream   {kind.stream.replace('*', 'NAME')}",
        "",
        "Fields   (text as it is; numbers, true, lists and objects as JSON; null may be left out)",
    ]
    for name, wanted in field_types(kind.event).items():
        lines.append(f"  --{name}  {type_text(wanted)}")
        lines.append(f"        {docs[name]}")
    return "\n".join(lines)


_TYPE_NAMES: Final[dict[Any, str]] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    dict: "object",
    type(None): "null",
    Any: "any value",
}
_REFERENCES: Final = {
    "blob": "blob digest",
    "commitment": "commitment digest",
    "digest": "digest",
    "entry": "entry hash",
}


def type_text(wanted: Any) -> str:  # noqa: ANN401 - any type expression
    """A type as a person reads it, such as "integer or number or null"."""
    if wanted in _TYPE_NAMES:
        return _TYPE_NAMES[wanted]
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is typing.Annotated:
        return _REFERENCES[wanted.__metadata__[0]]
    if origin is typing.Literal:
        return " or ".join(str(value) for value in arguments)
    if origin in (typing.Union, types.UnionType):
        parts = dict.fromkeys(type_text(part) for part in arguments)
        return " or ".join(part for part in parts if part != "integer" or "number" not in parts)
    if origin is tuple:
        inner = [type_text(part) for part in arguments if part is not Ellipsis]
        is_list = Ellipsis in arguments
        return f"list of ({inner[0]})" if is_list else f"list [{', '.join(inner)}]"
    if origin is dict:
        return f"object of {type_text(arguments[1])}"
    return f"object with {', '.join(field.name for field in attrs.fields(wanted))}"
