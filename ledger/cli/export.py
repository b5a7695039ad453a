"""`ledger export`: take the record, or an answer of it, elsewhere."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.base import (
    at_option,
    json_option,
    ledger_option,
    print_table,
    progress,
    resolve_at,
    say,
)
from ledger.errors import BadArguments, StoreFailed
from ledger.exporters import (
    EXPORTERS,
    Exporter,
    Selection,
    Written,
    find_exporter,
    verify_export,
)
from ledger.exporters.base import journal_end
from ledger.exporters.lines import BLOBS
from ledger.exporters.target import check_target, replacing
from ledger.folder import Folder, find_folder
from ledger.queries import QUERIES
from ledger.queries.base import Table

if TYPE_CHECKING:
    from ledger.exporters.base import Progress


def _complete_format(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    return [exporter.name for exporter in EXPORTERS if exporter.name.startswith(start)]


def _complete_query(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    return [name for name in QUERIES if name.startswith(start)]


def _complete_table(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    from ledger.store.export import table_names

    return [name for name in table_names() if name.startswith(start)]


@click.command(
    epilog="Examples:\n\n\b\n"
    "  ledger export record.jsonl.zst           # everything, with its evidence\n"
    "  ledger export - | jq -r 'select(.entry).entry.kind' | sort | uniq -c\n"
    "  ledger export new.jsonl --from 912\n"
    "  ledger export --verify record.jsonl.zst\n"
    "  ledger export events.parquet\n"
    "  ledger export curve.parquet --query curve --param run=train-0001 --param metric=loss\n"
    "  ledger export --list"
)
@click.argument("file", required=False, metavar="[FILE|-]", type=click.Path())
@click.option(
    "--format",
    "format_",
    metavar="NAME",
    help="The format, where the name of FILE does not say it; `--list` lists them.",
    shell_complete=_complete_format,
)
@click.option("--from", "first", type=click.IntRange(0), default=0, help="From this position on.")
@click.option(
    "--blobs",
    type=click.Choice(BLOBS),
    help="Evidence that goes along in JSONL: none, evidence (unless you say), or all: committed "
    "values too.",
)
@click.option(
    "--table", metavar="NAME", help="Parquet: this table.", shell_complete=_complete_table
)
@click.option(
    "--query",
    metavar="NAME",
    help="Parquet: the answer of this named query.",
    shell_complete=_complete_query,
)
@click.option(
    "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of --query."
)
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@click.option("--verify", is_flag=True, help="Read FILE to its end instead, and verify all of it.")
@click.option("--list", "list_exporters", is_flag=True, help="List the formats.")
@at_option
@ledger_option
@json_option
def export(
    file: str | None,
    format_: str | None,
    first: int,
    blobs: str | None,
    table: str | None,
    query: str | None,
    parameters: tuple[str, ...],
    force: bool,
    verify: bool,
    list_exporters: bool,
    at: str | None,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Write the record to FILE in the format that its name ends in; `-` is JSONL on stdout.

    JSONL holds every entry byte for byte, under its chain, and the evidence: enough to verify the
    record without this program (spec/formats/export.md). Parquet holds one table. The same record
    gives the same bytes. FILE has its name when it is whole, and not before. Printed is the
    checkpoint at its end, POSITION:CHAIN: keep it elsewhere.

    Committed values stay at home unless --blobs all is given.
    """
    if list_exporters:
        rows = tuple((one.name, one.summary) for one in EXPORTERS)
        print_table(Table(("format", "holds"), rows), "json" if as_json else "table")
        return
    if file is None:
        raise BadArguments("give a FILE, or - for stdout", hint="ledger export record.jsonl.zst")
    if verify:
        given = (first, at, blobs, table, query, parameters, force, format_)
        _verify(file, as_json, alone=not any(given))
        return
    exporter = find_exporter(format_, file)
    _refuse_senseless(exporter, file, blobs, table, query, parameters, first)
    folder = find_folder(ledger_dir)
    position = resolve_at(folder, at)
    selection = Selection(
        folder=folder,
        first=first,
        end=_end(folder, first, position),
        blobs=blobs or "evidence",
        table=table,
        query=query,
        parameters=_pairs(parameters),
    )
    _write(exporter, selection, file, as_json=as_json, force=force)


def _refuse_senseless(
    exporter: Exporter,
    file: str,
    blobs: str | None,
    table: str | None,
    query: str | None,
    parameters: tuple[str, ...],
    first: int,
) -> None:
    """Raise `BadArguments` for what does not go together."""
    wrong = (
        (file == "-" and not exporter.streams, f"{exporter.name} needs a file, not stdout"),
        (blobs is not None and not exporter.takes_blobs, f"{exporter.name} holds no blobs"),
        (
            (table or query) is not None and not exporter.takes_tables,
            f"{exporter.name} holds the entries; --table and --query are for parquet",
        ),
        (table is not None and query is not None, "give either --table or --query"),
        (bool(parameters) and query is None, "--param is for --query"),
        (query is not None and first > 0, "--from is for entries and tables, not for --query"),
    )
    reasons = [text for is_wrong, text in wrong if is_wrong]
    if reasons:
        raise BadArguments("; ".join(reasons), hint="ledger export --help has examples")


def _end(folder: Folder, first: int, at: int | None) -> int:
    """The position after the last one to take. Raises `BadArguments` for a limit out of range."""
    end = journal_end(folder)
    if at is not None and at >= end:
        raise BadArguments(
            f"there is no position {at}; the ledger ends at {end - 1}",
            hint="positions count from 0; leave --at out for now",
        )
    end = end if at is None else at + 1
    if first > end:
        raise BadArguments(
            f"--from {first} is after the end, position {end - 1}",
            hint=f"the next entry will have position {end}",
        )
    return end


def _pairs(words: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for word in words:
        name, has_value, value = word.partition("=")
        if not has_value:
            raise BadArguments(f"--param {word} is not NAME=VALUE", hint="--param run=train-0001")
        pairs[name.replace("-", "_")] = value
    return pairs


def _write(
    exporter: Exporter, selection: Selection, file: str, *, as_json: bool, force: bool
) -> None:
    """Write to the file or to stdout, and say what was written."""
    with progress("exporting") as report:
        if file == "-":
            written = _write_to_stdout(exporter, selection, report)
        else:
            place = check_target(Path(file), selection.folder, force=force)
            with replacing(place) as out:
                written = exporter.write(selection, out, report)
    if written is not None:
        _print_written(exporter, selection, file, written, as_json)


def _write_to_stdout(
    exporter: Exporter, selection: Selection, report: "Progress"
) -> Written | None:
    """What was written; None where the reader has gone: what it wanted, it has."""
    if sys.stdout is None:  # a process may be started without one
        raise StoreFailed("there is no stdout to write to", hint="name a file instead of -")
    try:
        written = exporter.write(selection, sys.stdout.buffer, report)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        return None
    except OSError as error:
        raise StoreFailed(
            f"cannot write the answer: {error.strerror}", hint="check where stdout goes"
        ) from error
    return written


def _print_written(
    exporter: Exporter, selection: Selection, file: str, written: Written, as_json: bool
) -> None:
    last = selection.end - 1
    facts: dict[str, Any] = {
        "file": file,
        "format": exporter.name,
        "checkpoint": f"{last}:{written.chain}",
        "rows": written.rows,
        "blobs": written.blobs,
        "left_out": written.left_out,
    }
    what = selection.table or selection.query
    rows = f"{written.rows} rows of {what}" if what else f"{written.rows} entries"
    evidence = f", {written.blobs} blobs" if exporter.takes_blobs else ""
    say(f"{rows}{evidence}, as of position {last}")
    if written.left_out:
        say(
            f"{written.left_out} committed values are not in it: withheld, "
            "or at home unless --blobs all is given"
        )
    if file == "-":
        return
    _print_facts(facts, as_json)


def _verify(file: str, as_json: bool, *, alone: bool) -> None:
    if not alone:
        raise BadArguments("--verify reads the whole file, as it is", hint="give only FILE")
    found = verify_export(file)
    facts: dict[str, Any] = {
        "file": file,
        "origin": found.origin,
        "checkpoint": f"{found.size - 1}:{found.chain}",
        "first": found.first,
        "rows": found.entries,
        "blobs": found.blobs,
    }
    since = f" from position {found.first} on" if found.first else ""
    say(
        f"{found.origin}: {found.entries} entries{since} and {found.blobs} blobs are whole. "
        "Hold the checkpoint against one that came another way"
    )
    _print_facts(facts, as_json)


def _print_facts(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_table(Table(tuple(facts), (tuple(facts.values()),)), "json")
    else:
        click.echo(facts["checkpoint"])
