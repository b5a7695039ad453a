"""The history of SPEC-SHIP-TWO-001: a line of it, read into an event and rebuilt from one.

`LINE_KINDS` says which line becomes which event and which key becomes which field; the page
spec/formats/reported.md is held against it by a test. A line of any other kind becomes
`note.reported`, whole. Example::

    {"at":"2026-05-18","kind":"threshold_changed","id":"AC-SHIP2-003","section":"§88",
     "spec_version":null,"source":"…/ship-model-2-spec.md","data":{"old":2.2,"new":4.7}}
"""

import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ledger.errors import Malformed
from ledger.events.form import field_types, parse_body
from ledger.events.reported import NoteReported, Source
from ledger.importers.base import Importer
from ledger.importers.ship_two_lines import LINE_KINDS, LineKind
from ledger.recorder import Draft

#: Shared field of a reported event, by the key of the line that it comes from.
ENVELOPE: Final = {
    "at": "said_on",
    "kind": "topic",
    "id": "subject",
    "section": "section",
    "spec_version": "spec_version",
    "source": "document",
}
#: Keys of a line beside those above and `data` are kept here, within `rest`.
EXTRA: Final = "@line"
#: The branch of a verdict that its authors had on an unmerged branch.
UNMERGED: Final = "unmerged"

_BY_KIND: Final = {line_kind.kind: line_kind for line_kind in LINE_KINDS}
_HINT: Final = "spec/formats/reported.md says what each kind of line holds"


def line_kind_of(kind: str) -> LineKind:
    """How lines of this kind are read; those never seen before become notes."""
    return _BY_KIND.get(kind) or LineKind(kind, NoteReported)


def read_line(fields: dict[str, Any], source: Source) -> Draft:
    """The event of one line. Raises `Malformed` with every reason."""
    reasons = list(_envelope_problems(fields))
    if reasons:
        raise Malformed("a line of the wrong form", hint=_HINT, reasons=reasons)
    line_kind, data = line_kind_of(fields["kind"]), fields["data"]
    body: dict[str, Any] = {field: fields.get(key) for key, field in ENVELOPE.items()}
    body["source"] = msgspec.to_builtins(source)
    rest = dict(data)
    for field, key in line_kind.plain_fields():
        body[field] = data.get(key)
        if body[field] is not None:  # an explicit null stays in `rest`, apart from an absent key
            rest.pop(key)
    body.update(line_kind.constants)
    if line_kind.gathered is not None:
        body[line_kind.gathered] = gathered = {
            key: value
            for key, value in rest.items()
            if value is not None and _belongs(line_kind, key, value)
        }
        reasons += _gathered_problems(line_kind, gathered)
        rest = {key: value for key, value in rest.items() if key not in gathered}
    extra = {key: value for key, value in fields.items() if key not in (*ENVELOPE, "data")}
    body["rest"] = {**rest, EXTRA: extra} if extra else rest
    return _draft(line_kind, body, data, reasons)


def _envelope_problems(fields: dict[str, Any]) -> Iterator[str]:
    for key in ENVELOPE:
        value, is_needed = fields.get(key), key in ("kind", "id")
        if is_needed and key not in fields:
            yield f"{key}: missing"
        elif not (isinstance(value, str) and value) and (is_needed or value is not None):
            yield f"{key}: {str(value)[:40]!r} is not a text"
    if "data" not in fields:
        yield "data: missing"
    elif not isinstance(fields["data"], dict):
        yield "data: not an object"
    elif EXTRA in fields["data"]:
        yield f"data.{EXTRA}: this name is kept for keys beside data"


def _belongs(line_kind: LineKind, key: str, value: object) -> bool:
    """Whether a key is gathered: a name of the table always, another where its value fits."""
    return key in line_kind.names or (line_kind.is_open and _fits(line_kind, value))


def _fits(line_kind: LineKind, value: object) -> bool:
    wanted = typing.get_args(field_types(line_kind.event)[line_kind.gathered or ""])[1]
    try:
        msgspec.convert(value, type=wanted)
    except msgspec.ValidationError:
        return False
    return True


def _gathered_problems(line_kind: LineKind, gathered: Mapping[str, object]) -> Iterator[str]:
    for key, value in gathered.items():
        if not _fits(line_kind, value):
            yield f"data.{key}: {str(value)[:40]!r} is no number, nor numbers by name"


def _draft(
    line_kind: LineKind, body: dict[str, Any], data: Mapping[str, Any], reasons: list[str]
) -> Draft:
    """The draft of a body; reasons against it speak of the line's own keys."""
    names = {field: f"data.{key}" for field, key in line_kind.plain_fields()}
    names |= {"rest": "data"} | {field: key for key, field in ENVELOPE.items()}
    absent = {field for field, key in line_kind.plain_fields() if key not in data}
    try:
        event = parse_body(line_kind.event.KIND, body)
    except Malformed as error:
        for reason in error.reasons:
            path, _, text = reason.partition(": ")
            field = path.partition(".")[0].partition("[")[0]
            if field == line_kind.gathered and reasons:
                continue  # told above, with the key
            key = names.get(field, field) + path[len(field) :]
            reasons.append(f"{key}: {'missing' if field in absent else text}")
    if reasons:
        raise Malformed("a line of the wrong form", hint=_HINT, reasons=reasons)
    return Draft(event=event, branch=UNMERGED if body.get("branch_only") else None)


def rebuild_line(body: Mapping[str, Any]) -> dict[str, Any]:
    """The object of the line that `body` was read from.

    Equal to the original, but for `at`, `section`, `spec_version` and `source`: these come back
    as null where the line left them out.
    """
    line_kind = line_kind_of(body["topic"])
    data = dict(body["rest"])
    extra = data.pop(EXTRA, {})
    for field, key in line_kind.plain_fields():
        if body[field] is not None:
            data[key] = body[field]
    if line_kind.gathered is not None:
        data |= body[line_kind.gathered]
    return {**{key: body[field] for key, field in ENVELOPE.items()}, "data": data, **extra}


IMPORTER: Final = Importer(
    name="ship-two",
    summary="The history of SPEC-SHIP-TWO-001 (paiml/aprender), a JSONL file.",
    read_line=read_line,
    rebuild_line=rebuild_line,
)
