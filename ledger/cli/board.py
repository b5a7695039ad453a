"""`ledger board`: criteria, status, evidence, tally."""

from collections import Counter

import click

from ledger.cli.base import (
    at_option,
    json_option,
    ledger_option,
    print_table,
    progress,
    resolve_at,
)
from ledger.folder import find_folder
from ledger.queries import Table, find_query

#: What a person sees of a row; --json has every column.
_SHOWN = ("row", "model", "status", "standing", "value", "metric", "evidence", "blocking")


@click.command(
    epilog="Examples:\n\n\b\n  ledger board\n  ledger board --model MODEL-1 --at 2.51\n"
    "  ledger board --own --json"
)
@click.option("--model", help="Only rows listed under this model.")
@click.option("--status", help="Only rows in this status.")
@click.option("--own/--reported", default=None, help="Only our own rows, or only reported ones.")
@at_option
@ledger_option
@json_option
def board(
    model: str | None,
    status: str | None,
    own: bool | None,
    at: str | None,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Print every declared row once, in its latest status on the main line, and the tally.

    --at VERSION is the state just before the first registration of the next different version.
    """
    from ledger.store.reader import open_reader

    folder = find_folder(ledger_dir)
    position = resolve_at(folder, at)
    given = {
        "model": model,
        "status": status,
        "reported": None if own is None else "no" if own else "yes",
    }
    with (
        progress("reading the journal") as report,
        open_reader(folder, at=position, on_progress=report) as db,
    ):
        found = find_query("board").run(db, given)
    if as_json:
        print_table(found, "json")
        return
    print_table(_shown(found))
    click.echo()
    for line in tally_lines(found):
        click.echo(line)


def _shown(found: Table) -> Table:
    rows = []
    for row in found.objects():
        evidence = str(row["evidence"] or "")
        if evidence.startswith("sha256:"):
            evidence = evidence[:17] + "…"
        rows.append(tuple(evidence if name == "evidence" else row[name] for name in _SHOWN))
    return Table(_SHOWN, tuple(rows))


def tally_lines(found: Table) -> list[str]:
    """Rows by status, for what this ledger judged and for what others reported apart."""
    lines = []
    for label, reported in (("this ledger", False), ("reported", True)):
        rows = [row for row in found.objects() if row["reported"] == reported]
        if rows:
            counts = Counter(row["status"] for row in rows)
            parts = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
            lines.append(f"tally, {label}: {len(rows)} rows: {parts}")
    return lines
