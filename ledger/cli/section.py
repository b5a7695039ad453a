"""`ledger section`: prose with queries, numbered and versioned by the ledger."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ledger.blobs import read_blob
from ledger.cli.base import (
    at_option,
    json_option,
    ledger_option,
    open_ledger,
    print_table,
    recording_options,
    resolve_at,
    say,
    to_json,
)
from ledger.cli.section_names import Row, ask, complete_name, find_section, number_of, reading
from ledger.errors import BadArguments, LedgerError, Rejected
from ledger.events.section import SECTION_KINDS
from ledger.folder import Folder, find_folder
from ledger.ids import is_id
from ledger.ledger import require_actor
from ledger.queries.base import Table

if TYPE_CHECKING:
    from ledger.sections.lint import Finding

_file = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
#: What a person sees of a list; --json has every column.
_SHOWN: Final = (
    "section", "slug", "title", "section_kind", "state", "revision", "published_revision",
    "to_version", "superseded_by", "suspect", "position",
)  # fmt: skip
_FOUND: Final = ("line", "check", "text")


def _complete_kind(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    return [kind for kind in SECTION_KINDS if kind.startswith(start)]


@click.group(
    epilog="Examples:\n\n\b\n  ledger section new investigation --title 'The GQA kernel'\n"
    "  ledger section edit gqa-kernel draft.md\n  ledger section lint gqa-kernel\n"
    "  ledger section publish gqa-kernel\n  ledger section list"
)
def section() -> None:
    """Write, publish and supersede sections of the specification.

    A section is Markdown with queries and cells. The ledger gives it a number, and each publication
    a version of the specification. NAME is the number or the short name of a section.
    """


@section.command(
    epilog="Examples:\n\n\b\n  ledger section new post-mortem --title 'Why the loss stood still'\n"
    "  ledger section new investigation --title 'The GQA kernel' --slug gqa --from draft.md\n\n"
    f"Kinds:\n\n  {', '.join(SECTION_KINDS)}"
)
@click.argument("kind", shell_complete=_complete_kind)
@click.option("--title", help="Title of the section (else that of the text of --from).")
@click.option("--slug", help="Short name for files and commands (else made from the title).")
@click.option("--from", "from_file", type=_file, help="A text for it, - for stdin (else its form).")
@recording_options
def new(
    kind: str,
    title: str | None,
    slug: str | None,
    from_file: Path | None,
    actor: str | None,
    durable: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Open a section of a KIND under the next number, and say which it is.

    It starts from the form of its kind: `ledger section show NAME --source` prints it.
    """
    from ledger.sections.recording import open_section

    if slug is not None and not is_id(slug):
        raise BadArguments(
            f"{slug!r} cannot be a short name", hint="letters, digits and . _ + - in it"
        )
    if title is None and from_file is None:
        raise BadArguments("a section has a title", hint="give --title, or a text with --from")
    text = None if from_file is None else _bytes_of(from_file)
    with open_ledger(ledger_dir, require_actor(actor), durable=durable) as ledger:
        opened, receipts = open_section(ledger, kind, title, slug=slug, text=text)
    _print(
        as_json,
        f"§{opened.number} {opened.slug}",
        section=str(opened.number),
        slug=opened.slug,
        position=receipts[0].position,
        hash=receipts[0].hash,
    )
    if text is None:
        say(f"write it: ledger section edit {opened.number}")


def _bytes_of(file: Path) -> bytes:
    """The bytes of a file, of stdin where it is -. Raises `BadArguments`."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise BadArguments(f"cannot read {file}: {error.strerror}", hint="name a file") from error


def _print(as_json: bool, line: str, **fields: object) -> None:
    click.echo(to_json([fields], indent=1) if as_json else line)


@section.command(
    epilog="Examples:\n\n\b\n  ledger section edit 7                # in $EDITOR\n"
    "  ledger section edit gqa-kernel draft.md\n"
    "  ledger section show 7 --source | sed s/lost/gone/ | ledger section edit 7 -"
)
@click.argument("name", shell_complete=complete_name)
@click.argument("file", required=False, type=_file)
@recording_options
def edit(
    name: str,
    file: Path | None,
    actor: str | None,
    durable: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Record a new text of a section: FILE, stdin for -, or what $EDITOR leaves on a terminal.

    What is published stays as it is until the section is published again.
    """
    from ledger.sections.recording import edit_section

    who, folder = require_actor(actor), find_folder(ledger_dir)
    row = find_section(folder, name)
    before = read_blob(folder, _source(folder, row))
    by_hand = file is None and sys.stdin is not None and sys.stdin.isatty()
    text = _by_hand(before) if by_hand else _bytes_of(file or Path("-"))
    if text == before:
        say("nothing changed, nothing was recorded")
        return
    based_on = row["revision"] if by_hand else None
    try:
        with open_ledger(ledger_dir, who, durable=durable) as ledger:
            edited, receipt = edit_section(
                ledger, number_of(row), row["section_kind"], text, based_on=based_on
            )
    except LedgerError:
        if by_hand:
            kept = Path(f"section-{row['section']}.md")
            kept.write_bytes(text)
            say(f"your text is kept in {kept}")
        raise
    _print(
        as_json,
        f"§{edited.number} revision {edited.revision}",
        section=str(edited.number),
        revision=edited.revision,
        position=receipt.position,
        hash=receipt.hash,
    )


def _by_hand(before: bytes) -> bytes:
    """The text as $EDITOR leaves it."""
    text = click.edit(before.decode(), extension=".md", require_save=False)
    return before if text is None else text.encode()


def _source(folder: Folder, row: Row, at: int | None = None) -> str:
    """Digest of the latest text of a section."""
    rows = ask(folder, "section_revisions", at, section=row["section"])
    return str(rows[-1]["source"])


@section.command(
    epilog="Examples:\n\n\b\n  ledger section publish gqa-kernel\n"
    "  ledger section publish 7 --actor human:ada --json"
)
@click.argument("name", shell_complete=complete_name)
@recording_options
def publish(
    name: str, actor: str | None, durable: bool, ledger_dir: str | None, as_json: bool
) -> None:
    """Publish the latest revision of a section, under the next version of the specification.

    It is linted first, and refused with everything found. `ledger render` writes its page.
    """
    from ledger.sections.lint import lint as find_findings
    from ledger.sections.preview import quoted
    from ledger.sections.recording import publish_section

    who, folder = require_actor(actor), find_folder(ledger_dir)
    row = find_section(folder, name)
    cites: list[str] = []
    if row["state"] in ("draft", "edited since"):  # the others are refused by the rule
        source = read_blob(folder, _source(folder, row))
        with reading(folder) as db:
            found = find_findings(f"section {row['section']}", source, db)
            _refuse(row, found)
            cites = quoted(db, f"section {row['section']}", source)
    with open_ledger(ledger_dir, who, durable=durable) as ledger:
        published, receipt = publish_section(ledger, number_of(row), row["revision"], cites)
    _print(
        as_json,
        f"§{published.number} v{published.from_version} → v{published.to_version}",
        section=str(published.number),
        revision=published.revision,
        from_version=published.from_version,
        to_version=published.to_version,
        position=receipt.position,
        hash=receipt.hash,
    )


def _refuse(row: Row, found: Sequence["Finding"]) -> None:
    """Raises `Rejected` with everything that lint found."""
    if found:
        raise Rejected(
            f"section {row['section']} is not ready; nothing was published",
            reasons=[f"{one.check}: {_placed(one)}" for one in found],
            hint=f"mend it: ledger section edit {row['section']}",
        )


def _placed(one: "Finding") -> str:
    return f"line {one.line}: {one.text}" if one.line else one.text


@section.command(
    epilog="Examples:\n\n\b\n"
    "  ledger section supersede 7 --by 9 --reason 'the bias was captured at another point'"
)
@click.argument("name", shell_complete=complete_name)
@click.option(
    "--by",
    required=True,
    metavar="NAME",
    shell_complete=complete_name,
    help="What takes its place.",
)
@click.option("--reason", required=True, help="Why, in words.")
@recording_options
def supersede(
    name: str,
    by: str,
    reason: str,
    actor: str | None,
    durable: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Have another, published section take the place of one, for good. Both stay to be read."""
    from ledger.sections.recording import supersede_section

    who, folder = require_actor(actor), find_folder(ledger_dir)
    old, other = number_of(find_section(folder, name)), number_of(find_section(folder, by))
    with open_ledger(ledger_dir, who, durable=durable) as ledger:
        receipt = supersede_section(ledger, old, other, reason)
    _print(
        as_json,
        f"§{old} is superseded by §{other}",
        section=str(old),
        by=str(other),
        position=receipt.position,
        hash=receipt.hash,
    )


@section.command(
    "list",
    epilog="Examples:\n\n\b\n  ledger section list\n  ledger section list --at v3 --json",
)
@at_option
@ledger_option
@json_option
def list_sections(at: str | None, ledger_dir: str | None, as_json: bool) -> None:
    """List the sections, and the numbers and versions that are missing or were given twice.

    What others registered is looked at for gaps, too.
    """
    from ledger.queries import find_query

    folder = find_folder(ledger_dir)
    position = resolve_at(folder, at)
    with reading(folder, position) as db:
        found = find_query("section_list").run(db, {})
        gaps = find_query("section_gaps").run(db, {}).objects()
    rows = found.objects()
    if as_json:
        print_table(found, "json")
    else:
        print_table(Table(_SHOWN, tuple(tuple(row[name] for name in _SHOWN) for row in rows)))
    for gap in gaps:
        whose = ", as reported" if gap["reported"] else ""
        several = f" to {gap['last']}" if gap["last"] else ""
        where = f"position {gap['position']}{whose}"
        say(f"{gap['what']} {gap['first']}{several}: {gap['found']} ({where})")


@section.command(
    epilog="Examples:\n\n\b\n  ledger section show gqa-kernel\n  ledger section show 7 --at v3\n"
    "  ledger section show 7 --source > draft.md"
)
@click.argument("name", shell_complete=complete_name)
@click.option("--source", is_flag=True, help="The text as it was written, of the latest revision.")
@click.option("--draft", is_flag=True, help="The latest revision, though another one is published.")
@at_option
@ledger_option
def show(name: str, source: bool, draft: bool, at: str | None, ledger_dir: str | None) -> None:
    """Print a section as it reads: as it was published, or as a draft where it never was."""
    from functools import partial

    from ledger.sections.preview import preview

    folder = find_folder(ledger_dir)
    position = resolve_at(folder, at)
    row = find_section(folder, name, position)
    if source:
        click.echo(read_blob(folder, _source(folder, row, position)), nl=False)
        return
    number_of(row)
    as_draft = draft or row["published_revision"] is None
    with reading(folder, position) as db:
        page = preview(db, partial(read_blob, folder), str(row["section"]), draft=as_draft)
    click.echo(page.text if page is not None else "", nl=False)
    if not as_draft and row["state"] == "edited since":
        say(f"revision {row['revision']} is not published: --draft shows it")


@section.command(
    epilog="Examples:\n\n\b\n  ledger section lint gqa-kernel\n"
    "  ledger section lint draft.md --json"
)
@click.argument("name", metavar="NAME|FILE", shell_complete=complete_name)
@ledger_option
@json_option
def lint(name: str, ledger_dir: str | None, as_json: bool) -> int:
    """Say what a section or a file lacks: headings, answers, cells. Exit code 1 where anything.

    A number that is typed where a cell on record has its value is a finding, and the cell is named.
    """
    from ledger.sections.lint import lint as find_findings

    folder = find_folder(ledger_dir)
    if name == "-" or Path(name).is_file():
        what, data = name, _bytes_of(Path(name))
    else:
        row = find_section(folder, name)
        what, data = f"section {row['section']}", read_blob(folder, _source(folder, row))
    with reading(folder) as db:
        found = find_findings(what, data, db)
    if as_json or found:
        rows = tuple((one.line or None, one.check, one.text) for one in found)
        print_table(Table(_FOUND, rows), "json" if as_json else "table")
    say(f"{what}: " + _counted(len(found)))
    return 1 if found else 0


def _counted(findings: int) -> str:
    if findings == 0:
        return "nothing is missing"
    return f"{findings} finding{'' if findings == 1 else 's'}"
