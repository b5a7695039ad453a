"""`ledger import`: take in a history from elsewhere, one event a line, each line once."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from ledger.cli.base import (
    open_ledger,
    print_table,
    progress,
    recording_options,
    require_actor,
    say,
)
from ledger.cli.merge import accept_option, branch_option, take_over
from ledger.errors import BadArguments, Malformed
from ledger.importers import IMPORTERS, Count, Importer, find_importer, read_drafts, take_in
from ledger.ledger import Ledger
from ledger.queries.base import Table
from ledger.recorder import MAX_BATCH

#: The format that `ledger export` writes: its entries come as they are, which is a merge.
_JSONL = "jsonl"


def _complete_name(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    names = [*(importer.name for importer in IMPORTERS), _JSONL]
    return [name for name in names if name.startswith(start)]


@click.command(
    "import",
    epilog="Examples:\n\n\b\n  ledger import ship-two ship_two_history.jsonl\n"
    "  ledger import ship-two ship_two_history.jsonl --json\n"
    "  gunzip -c history.jsonl.gz | ledger import ship-two -\n"
    "  ledger query boards                      # what came of it\n"
    "  ledger import jsonl record.jsonl.zst     # what `ledger export` wrote\n"
    "  ledger import --list",
)
@click.argument("name", required=False, metavar="[NAME]", shell_complete=_complete_name)
@click.argument("file", required=False, metavar="[FILE|-]", type=click.Path())
@click.option("--list", "list_importers", is_flag=True, help="List the importers.")
@branch_option
@accept_option
@recording_options
def import_history(
    name: str | None,
    file: str | None,
    list_importers: bool,
    branch: str | None,
    accept: str | None,
    actor: str | None,
    durable: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Take in FILE as importer NAME reads it, and print how many events of each kind came in.

    Each line becomes one event of the family `reported` in the stream import/NAME. A line that is
    on record is skipped, so a second import adds nothing, and a file that grew adds its new lines.
    If any line is bad, every bad line is listed and nothing is recorded. Files of over 10,000
    lines are appended in batches of 10,000, each whole or not at all.

    `jsonl` is another matter: the record of a ledger, as `ledger export` writes it. Its entries
    come as they are, on a branch, as with `ledger merge`; --branch and --accept are for it.
    """
    format_ = "json" if as_json else "table"
    if list_importers:
        _list(format_)
        return
    if name is None or file is None:
        raise BadArguments(
            "give the NAME of an importer and a FILE", hint="`ledger import --list` lists them"
        )
    if name == _JSONL:
        with _as_file(file) as path:
            take_over(path, branch, accept, actor, durable, ledger_dir, as_json)
        return
    if branch is not None or accept is not None:
        raise BadArguments(
            f"{name} takes no --branch and no --accept", hint="they are for: ledger import jsonl"
        )
    importer = find_importer(name)
    with open_ledger(ledger_dir, require_actor(actor), durable=durable) as ledger:
        counts = _take_in(ledger, importer, file)
    rows = tuple((count.kind, count.added, count.skipped) for count in counts)
    print_table(Table(("kind", "added", "skipped"), rows), format_)
    say(_outcome(counts, importer.stream))


def _list(format_: str) -> None:
    listed = (
        *((one.name, one.stream, one.summary) for one in IMPORTERS),
        (_JSONL, "as recorded", "a record that `ledger export` wrote, entry by entry"),
    )
    print_table(Table(("importer", "stream", "reads"), listed), format_)


def _take_in(ledger: Ledger, importer: Importer, file: str) -> list[Count]:
    """Record the lines of a file, telling how far it is; an error names the file."""
    data = _read(file)
    try:
        with progress(f"reading {file}") as report:
            drafts = read_drafts(importer, data, report)
    except Malformed as error:
        raise Malformed(
            f"{file}: {error.message}",
            hint=error.hint,
            offset=error.offset,
            reasons=error.reasons,
        ) from error
    if len(drafts) > MAX_BATCH:
        say(f"{len(drafts)} lines go in by {MAX_BATCH}, each batch whole or not at all")
    with progress("recording") as report:
        return take_in(ledger, drafts, report)


@contextlib.contextmanager
def _as_file(file: str) -> Iterator[Path]:
    """The file's path; stdin is written to one, because a merge reads twice."""
    if file != "-":
        yield Path(file)
        return
    with tempfile.NamedTemporaryFile(prefix="ledger-import-") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise BadArguments(
            f"cannot read {file}: {error.strerror}", hint="check the name"
        ) from error


def _outcome(counts: list[Count], stream: str) -> str:
    added = sum(count.added for count in counts)
    skipped = sum(count.skipped for count in counts)
    if not added:
        return f"nothing added to {stream}: all {skipped} lines are on record"
    known = f"; {skipped} were on record" if skipped else ""
    return f"{added} events added to {stream}{known}"
