"""`ledger audit`: recompute everything and say what does not hold."""

from typing import TYPE_CHECKING

import click

from ledger.cli.base import json_option, ledger_option, print_table, progress, say
from ledger.folder import find_folder
from ledger.queries.base import Table

if TYPE_CHECKING:
    from ledger.audit import Report

_COLUMNS = ("severity", "check", "position", "hash", "message")


@click.command(
    epilog="Examples:\n\n\b\n  ledger audit\n  ledger audit --json | jq '.[] | select(.severity == "
    '"broken")\''
)
@ledger_option
@json_option
def audit(ledger_dir: str | None, as_json: bool) -> int:
    """Audit the whole ledger, from the raw journal.

    Checks the chain, the numbering of streams, the form of every event, citations, blobs, that
    database and state agree with the journal, and that every verdict this ledger gave still
    follows from measured evidence. Exit code 0 when all of it holds, 1 when something is
    unsupported, 6 when the record itself is broken.
    """
    from ledger import audit as auditing

    folder = find_folder(ledger_dir)
    with progress("auditing") as report_progress:
        report = auditing.audit(folder, report_progress)
    rows = tuple(tuple(getattr(found, name) for name in _COLUMNS) for found in report.findings)
    if as_json:
        print_table(Table(_COLUMNS, rows), "json")
    elif rows:
        shown = tuple((s, c, p, h and h[:17] + "…", m) for s, c, p, h, m in rows)
        print_table(Table(_COLUMNS, shown))
    say(_sentence(report))
    return report.exit_code


def _sentence(report: "Report") -> str:
    broken, unsupported = report.count("broken"), report.count("unsupported")
    entries = f"{report.entries} entries"
    if broken:
        return f"{entries}: the record is BROKEN in {broken} places"
    if unsupported:
        return f"{entries}: integrity is sound, {unsupported} findings without support"
    return f"{entries}: integrity is sound, every verdict of this ledger is supported"
