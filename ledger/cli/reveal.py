"""`ledger reveal`: show committed values while they are there."""

import click

from ledger.cli.base import json_option, ledger_option, print_table, progress, say
from ledger.folder import find_folder
from ledger.queries.base import Table

_COLUMNS = ("position", "field", "state", "value", "withheld_at", "reason", "blob")


@click.command(
    epilog="Examples:\n\n\b\n  ledger reveal 41\n  ledger reveal sha256:9f2c51 --field text\n"
    "  ledger reveal withheld:sha256:… --json"
)
@click.argument("wanted", metavar="POSITION|HASH|DIGEST")
@click.option(
    "--field", "places", multiple=True, metavar="PLACE", help="Only this one; repeatable."
)
@ledger_option
@json_option
def reveal(wanted: str, places: tuple[str, ...], ledger_dir: str | None, as_json: bool) -> int:
    """Show the committed values of an entry, or the one of a digest.

    Exit code 0 where all of them are kept, 1 where one is withheld or stayed in the ledger that its
    entry comes from, 6 where one is gone and the record does not say why.
    """
    from ledger.commands.redact import look

    folder = find_folder(ledger_dir)
    with progress("reading the journal") as report:
        found = look(folder, wanted, places, report)
    rows = tuple(tuple(getattr(one, name) for name in _COLUMNS) for one in found)
    print_table(Table(_COLUMNS, rows), "json" if as_json else "table")
    states = {one.state for one in found}
    if "missing" in states:
        say("a blob is gone, and no event says that it was withheld: restore it from a copy")
    return 6 if "missing" in states else 0 if states == {"kept"} else 1
