"""`ledger runs`: runs, how they ended, and what monitors say of them."""

from typing import TYPE_CHECKING, Any, Final

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
from ledger.errors import BadArguments
from ledger.folder import find_folder
from ledger.queries.base import Table

if TYPE_CHECKING:
    from ledger.monitors.base import Mark, RunView

_COLUMNS: Final = ("run", "reported", "mark", "monitors", "steps", "epochs", "ended", "marks")
#: What a person sees of a run; the reasons follow, a line each.
_SHOWN: Final = ("run", "reported", "mark", "monitors", "steps", "epochs", "ended")


@click.command(
    epilog="Examples:\n\n\b\n  ledger runs\n  ledger runs train-0001 train-0002\n"
    "  ledger runs --json | jq '.[] | select(.mark == \"INVALID\")'"
)
@click.argument("names", metavar="[RUN]...", nargs=-1)
@at_option
@ledger_option
@json_option
def runs(names: tuple[str, ...], at: str | None, ledger_dir: str | None, as_json: bool) -> None:
    """List runs with the marks that monitors give them.

    A monitor reads the events of a run and marks it INVALID (its numbers are no evidence) or
    SUSPECT (look before you use them). It reads numbers and names, never prose, and of a run that
    others reported never how they say it ended. No mark means that no monitor saw a fault, not
    that there is none. Exit code 0 whatever the marks are.
    """
    from ledger.monitors import marks_of
    from ledger.monitors.runs import read_runs
    from ledger.store.reader import open_reader

    folder = find_folder(ledger_dir)
    position = resolve_at(folder, at)
    rows, lines = [], []
    with (
        progress("reading the journal") as report,
        open_reader(folder, at=position, on_progress=report) as db,
    ):
        for name in dict.fromkeys(names) if names else (None,):
            found = 0
            for view in read_runs(db, name):
                marks = marks_of(view)
                rows.append(_row(view, marks))
                lines += [f"{view.run}: {mark.monitor}, {mark.mark}: {mark.why}" for mark in marks]
                found += 1
            if name is not None and not found:
                raise BadArguments(f"there is no run {name!r}", hint="`ledger runs` lists them all")
    if as_json:
        print_table(Table(_COLUMNS, tuple(rows)), "json")
        return
    print_table(Table(_SHOWN, tuple(_shown(row) for row in rows)))
    if lines:
        click.echo()
    for line in lines:
        click.echo(line)
    marked = [row[2] for row in rows]
    say(f"{len(rows)} runs, {marked.count('INVALID')} invalid, {marked.count('SUSPECT')} suspect")


def _shown(row: tuple[Any, ...]) -> tuple[object, ...]:
    cells = dict(zip(_COLUMNS, row, strict=True))
    cells["monitors"] = ", ".join(cells["monitors"]) or None
    return tuple(cells[name] for name in _SHOWN)


def _row(view: "RunView", marks: tuple["Mark", ...]) -> tuple[Any, ...]:
    from ledger.monitors import word_of

    return (
        view.run,
        view.reported,
        word_of(marks),
        list(dict.fromkeys(mark.monitor for mark in marks)),
        view.steps_recorded,
        len(view.epochs),
        view.ended,
        [
            {
                "monitor": mark.monitor,
                "mark": mark.mark,
                "why": mark.why,
                "events": list(mark.events),
                "numbers": dict(mark.numbers),
            }
            for mark in marks
        ],
    )
