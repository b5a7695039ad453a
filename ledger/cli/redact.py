"""`ledger redact`: take a committed value away for good."""

import click

from ledger.cli.base import (
    actor_option,
    json_option,
    ledger_option,
    print_table,
    progress,
    require_actor,
    say,
)
from ledger.folder import find_folder
from ledger.queries.base import Table

_COLUMNS = ("blob", "withheld_at", "removed", "held_at")


@click.command(
    epilog="Examples:\n\n\b\n  ledger redact 41 --reason 'an API key was logged'\n"
    "  ledger redact 41 --field environment.TOKEN --reason 'a token'\n"
    "  ledger redact withheld:sha256:… --reason 'personal data'"
)
@click.argument("wanted", metavar="POSITION|HASH|DIGEST")
@click.option("--reason", required=True, metavar="TEXT", help="Why, in words; it goes on record.")
@click.option(
    "--field", "places", multiple=True, metavar="PLACE", help="Only this one; repeatable."
)
@actor_option
@ledger_option
@json_option
def redact(
    wanted: str,
    reason: str,
    places: tuple[str, ...],
    actor: str | None,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Take away the committed values of an entry, or the one of a digest.

    What is taken away was recorded with --withhold, so that the record holds a commitment and
    never the value itself: the chain stays whole, and the audit says `withheld`. It goes on record
    first; if the removal was interrupted, do it again. Evidence cannot be taken away.
    """
    from ledger.commands import redact as redacting

    folder, who = find_folder(ledger_dir), require_actor(actor)
    with progress("reading the journal") as report:
        found = redacting.redact(
            folder, wanted, reason, actor=who, places=places, on_progress=report
        )
    rows = tuple(tuple(getattr(one, name) for name in _COLUMNS) for one in found)
    print_table(Table(_COLUMNS, rows), "json" if as_json else "table")
    removed = sum(one.removed for one in found)
    if removed:
        say(
            f"gone from this ledger: {removed}. Copies of its folder, exports with --blobs all and "
            "backups still hold what they held"
        )
    else:
        say("nothing was removed: what is on record as withheld was gone already")
