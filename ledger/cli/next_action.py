"""`ledger next-action`: the banner of what is to be done next."""

import click

from ledger.cli.base import (
    at_option,
    json_option,
    ledger_option,
    open_ledger,
    print_table,
    recording_options,
    resolve_at,
    to_json,
)
from ledger.cli.section_names import complete_name, find_section, number_of, reading
from ledger.errors import BadArguments
from ledger.folder import find_folder
from ledger.ids import is_hash
from ledger.ledger import require_actor
from ledger.queries import find_query

_STATES = ("open", "done", "refuted")


@click.group(
    "next-action",
    epilog="Examples:\n\n\b\n  ledger next-action state 'trace layer 3 on both paths' --section 7\n"
    "  ledger next-action done 1 --outcome 'they agree'\n  ledger next-action list --state open",
)
def next_action() -> None:
    """State what is to be done next, and that it was done.

    Next actions stand at the top of the pages of sections, the newest first. One that was wrong is
    refuted like any other entry (`ledger record entry.refuted`), and is struck through.
    """


@next_action.command(
    epilog="Examples:\n\n\b\n  ledger next-action state 'trace layer 3 on both paths'\n"
    "  ledger next-action state 'measure it again, warm' --section gqa-kernel"
)
@click.argument("text")
@click.option(
    "--section", metavar="NAME", shell_complete=complete_name, help="The section it follows from."
)
@recording_options
def state(
    text: str,
    section: str | None,
    actor: str | None,
    durable: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Record TEXT as the next action, under the next number."""
    from ledger.sections.recording import state_action

    who, folder = require_actor(actor), find_folder(ledger_dir)
    number = None if section is None else number_of(find_section(folder, section))
    with open_ledger(ledger_dir, who, durable=durable) as ledger:
        stated, receipt = state_action(ledger, text, number)
    fields = {"action": stated.action, "position": receipt.position, "hash": receipt.hash}
    click.echo(to_json([fields], indent=1) if as_json else f"A{stated.action}")


@next_action.command(
    epilog="Examples:\n\n\b\n  ledger next-action done 1 --outcome 'they agree'\n"
    "  ledger next-action done A2 --outcome 'layer 3 differs' --cites sha256:39c0…"
)
@click.argument("action")
@click.option("--outcome", required=True, help="What came of it, in one sentence.")
@click.option("--cites", multiple=True, metavar="HASH", help="An entry that shows it.")
@recording_options
def done(
    action: str,
    outcome: str,
    cites: tuple[str, ...],
    actor: str | None,
    durable: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Record that ACTION (its number) was done, and what came of it."""
    from ledger.sections.recording import finish_action

    digits = action.removeprefix("A")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
        raise BadArguments(
            f"{action!r} is no next action", hint="`ledger next-action list` lists them"
        )
    wrong = [one for one in cites if not is_hash(one)]
    if wrong:
        raise BadArguments(f"{wrong[0]!r} is no entry hash", hint="sha256: and 64 hex digits")
    with open_ledger(ledger_dir, require_actor(actor), durable=durable) as ledger:
        receipt = finish_action(ledger, int(digits), outcome, cites)
    fields = {"action": int(digits), "position": receipt.position, "hash": receipt.hash}
    click.echo(to_json([fields], indent=1) if as_json else f"A{int(digits)} is done")


@next_action.command(
    "list",
    epilog="Examples:\n\n\b\n  ledger next-action list\n"
    "  ledger next-action list --state open --json",
)
@click.option("--state", "which", type=click.Choice(_STATES), help="Only those in this state.")
@at_option
@ledger_option
@json_option
def list_actions(which: str | None, at: str | None, ledger_dir: str | None, as_json: bool) -> None:
    """List next actions, the newest first, and what became of each."""
    folder = find_folder(ledger_dir)
    with reading(folder, resolve_at(folder, at)) as db:
        found = find_query("section_actions").run(db, {"state": which})
    print_table(found, "json" if as_json else "table")
