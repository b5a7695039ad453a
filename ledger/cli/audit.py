"""`ledger audit`: recompute everything and say what does not hold."""

from typing import TYPE_CHECKING, Final

import click

from ledger.cli.base import json_option, ledger_option, print_table, progress, say
from ledger.folder import find_folder
from ledger.queries.base import Table

if TYPE_CHECKING:
    from ledger.audit import Bad, Report

_COLUMNS: Final = ("severity", "check", "position", "hash", "message")
#: Bad entries, and entries that rest on one, that are named to people; `--json` has more.
_NAMED: Final = 10


@click.command(
    epilog="Examples:\n\n\b\n  ledger audit\n  ledger audit --json | jq '.[] | select(.severity == "
    '"broken")\'\n  ledger audit --chain --processes 4'
)
@ledger_option
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Read with N processes (else one a processor, at most 8; a small journal with one).",
)
@click.option("--chain", is_flag=True, help="Verify order, hashes and chain alone: the quick part.")
@json_option
def audit(ledger_dir: str | None, processes: int | None, chain: bool, as_json: bool) -> int:
    """Audit the whole ledger, from the raw journal.

    Checks the chain, the numbering of streams, the form of every event, citations, blobs, that
    database and state agree with the journal, and that every verdict this ledger gave still
    follows from measured evidence. Names the first bad entry, and what rests on it. Exit code 0
    when all of it holds, 1 when something is unsupported, 6 when the record itself is broken.
    """
    from ledger import audit as auditing

    folder = find_folder(ledger_dir)
    with progress("auditing") as report_progress:
        report = auditing.audit(folder, report_progress, processes=processes, chain_only=chain)
    rows = tuple(tuple(getattr(found, name) for name in _COLUMNS) for found in report.findings)
    if as_json:
        dependents = (found.dependents for found in report.findings)
        more = tuple((*row, rest) for row, rest in zip(rows, dependents, strict=True))
        print_table(Table((*_COLUMNS, "dependents"), more), "json")
    elif rows:
        shown = tuple((s, c, p, h and h[:17] + "…", m) for s, c, p, h, m in rows)
        print_table(Table(_COLUMNS, shown))
        _print_bad(report)
    say(_sentence(report))
    return report.exit_code


def _print_bad(report: "Report") -> None:
    """Name the first bad entries, and what rests on them."""
    if not report.bad:
        return
    click.echo()
    for number, bad in enumerate(report.bad[:_NAMED]):
        click.echo(("first bad entry: " if number == 0 else "") + _describe(bad))
    if len(report.bad) > _NAMED:
        click.echo(f"and {len(report.bad) - _NAMED} more bad entries")


def _describe(bad: "Bad") -> str:
    """One bad entry in a sentence."""
    entry = f"position {bad.entry.position}" + (f" ({bad.entry.what})" if bad.entry.what else "")
    count = len(bad.dependents)
    if not count:
        return f"{entry}; nothing rests on it"
    named = [f"{found.what} at {found.position}" for found in bad.dependents[:_NAMED]]
    more = f" and {count - _NAMED} more" if count > _NAMED else ""
    rest = "1 entry rests" if count == 1 else f"{count} entries rest"
    return f"{entry}; {rest} on it: {', '.join(named)}{more}"


def _sentence(report: "Report") -> str:
    broken, unsupported = report.count("broken"), report.count("unsupported")
    entries = f"{report.entries} entries"
    if broken:
        return f"{entries}: the record is BROKEN in {broken} places"
    if not report.is_whole:
        return f"{entries}: order, hashes and chain are sound; nothing else was looked at"
    if unsupported:
        return f"{entries}: integrity is sound, {unsupported} findings without support"
    return f"{entries}: integrity is sound, every verdict of this ledger is supported"
