"""`ledger board`: criteria, status, evidence, tally; and the boards that others published."""

from collections import Counter
from typing import TYPE_CHECKING, Final

import click

from ledger.cli.base import (
    at_option,
    json_option,
    ledger_option,
    print_table,
    progress,
    resolve_at,
    to_json,
)
from ledger.errors import BadArguments
from ledger.folder import Folder, find_folder
from ledger.queries import Table, find_query

if TYPE_CHECKING:
    from ledger.commands.board import Explanation, Replayed

FAMILIES: Final = ("criterion", "gate", "invariant", "falsifier", "unidentified")
#: What a person sees of a row; --json has every column.
_SHOWN: Final = ("row", "model", "status", "standing", "value", "metric", "evidence", "blocking")
#: What a person sees besides, where any row has it.
_SELDOM: Final = ("suspect", "post_hoc")
#: What a person sees of a published board.
_REPLAYED: Final = ("board", "published", "folded", "main line", "agrees", "because")
#: So many rows are named of one board; --json has all.
_NAMED: Final = 4


@click.command(
    epilog="Examples:\n\n\b\n  ledger board\n  ledger board --model MODEL-1 --at 2.51\n"
    "  ledger board --family gate --at 300\n  ledger board --own --json\n  ledger board --replay"
)
@click.option("--model", help="Only rows listed under this model.")
@click.option(
    "--family",
    type=click.Choice(FAMILIES),
    help="Only rows of this family. A criterion that names a falsifier is the row of its "
    "falsifier, and belongs to both.",
)
@click.option("--status", help="Only rows in this status.")
@click.option("--own/--reported", default=None, help="Only our own rows, or only reported ones.")
@click.option(
    "--replay",
    is_flag=True,
    help="Instead, compare every board that others published with the rows recorded before it.",
)
@at_option
@ledger_option
@json_option
def board(
    model: str | None,
    family: str | None,
    status: str | None,
    own: bool | None,
    replay: bool,
    at: str | None,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Print every declared row once, in its latest status on the main line, and the tally.

    --at VERSION is the state just before the first registration of the next different version;
    versions follow one another as they were registered. A whole number is a position; v3 is the
    version 3.

    --replay folds the rows recorded before each published board, branches included, because
    published boards counted them, and the main line beside it. It says which boards agree, and
    names the first rows that explain the others.
    """
    given = {
        "model": model,
        "family": family,
        "status": status,
        "reported": None if own is None else "no" if own else "yes",
    }
    if replay:
        _refuse(at=at, **given)
        _replay(find_folder(ledger_dir), as_json=as_json)
        return
    folder = find_folder(ledger_dir)
    found = _ask(folder, "board", given, resolve_at(folder, at))
    if as_json:
        print_table(found, "json")
        return
    print_table(_shown(found))
    click.echo()
    for line in tally_lines(found):
        click.echo(line)


def _ask(folder: Folder, name: str, given: dict[str, str | None], at: int | None) -> Table:
    from ledger.store.reader import open_reader

    with (
        progress("reading the journal") as report,
        open_reader(folder, at=at, on_progress=report) as db,
    ):
        return find_query(name).run(db, given)


def _refuse(**given: str | None) -> None:
    """Raise `BadArguments` for what --replay has no use for."""
    names = {"reported": "--own/--reported"}
    wrong = [names.get(name, f"--{name}") for name, value in given.items() if value is not None]
    if wrong:
        raise BadArguments(
            f"--replay walks every published board: it takes no {', '.join(wrong)}",
            hint="`ledger board --at POSITION` shows the rows behind one of them",
        )


def _shown(found: Table) -> Table:
    rows, objects = [], list(found.objects())
    seldom = [name for name in _SELDOM if any(row[name] is not None for row in objects)]
    shown = (*_SHOWN, *seldom)
    for row in objects:
        evidence = str(row["evidence"] or "")
        if evidence.startswith("sha256:"):
            evidence = evidence[:17] + "…"
        rows.append(tuple(evidence if name == "evidence" else row[name] for name in shown))
    return Table(shown, tuple(rows))


def tally_lines(found: Table) -> list[str]:
    """Rows by status, for what this ledger judged and for what others reported apart."""
    lines = []
    for label, reported in (("this ledger", False), ("reported", True)):
        rows = [row for row in found.objects() if row["reported"] == reported]
        if rows:
            counts = Counter(row["status"] for row in rows)
            parts = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
            lines.append(f"tally, {label}: {len(rows)} rows: {parts}")
        suspect = sum(row["suspect"] is not None for row in rows)
        if suspect:
            lines.append(f"suspect, {label}: {suspect}; `ledger stale` says why")
    return lines


def _replay(folder: Folder, *, as_json: bool) -> None:
    """Print every published board beside its folds."""
    from ledger.commands.board import replay

    boards = replay(_ask(folder, "board_replay", {}, None))
    if as_json:
        click.echo(to_json([each.to_object() for each in boards], indent=1))
        return
    rows = (
        (
            each.board,
            "/".join(map(str, each.published)),
            "/".join(map(str, each.folded)),
            "/".join(map(str, each.folded_main)),
            each.agrees,
            "; ".join(_reasons(each)),
        )
        for each in boards
    )
    print_table(Table(_REPLAYED, tuple(rows)))
    click.echo()
    click.echo(_summary(boards))


def _reasons(replayed: "Replayed") -> list[str]:
    """Why a board differs: what came in with it, what did before, what stood on branches."""
    apart = [each for each in replayed.explained_by if each.why == "branch_before_main"]
    differences = [each for each in replayed.explained_by if each not in apart]
    new = [each for each in differences if each.board == replayed.board]
    old = [each for each in differences if each not in new]
    found = [_named(why, new) for why in dict.fromkeys(each.why for each in new)]
    if old:
        found.append(f"as {old[-1].board}: {_named_rows(old)}")
    if apart:
        found.append(_named("branch_before_main", apart))
    return found


def _named(why: str, explanations: "list[Explanation]") -> str:
    """One reason and the rows that it speaks of."""
    return f"{why} {_named_rows([each for each in explanations if each.why == why])}".rstrip()


def _named_rows(explanations: "list[Explanation]") -> str:
    rows = [each.row for each in explanations if each.row is not None]
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return ", ".join(rows[:_NAMED]) + more


def _summary(boards: "list[Replayed]") -> str:
    """How many agree; the first and the last that do not; what the words mean."""
    from ledger.commands.board import WHY

    wrong = [each.board for each in boards if not each.agrees]
    line = f"{len(boards) - len(wrong)} of {len(boards)} published boards agree"
    if wrong:
        line += f"; the first that does not is {wrong[0]}, the last {wrong[-1]}"
    said = {reason.why for each in boards for reason in each.explained_by}
    return "\n".join([line, *(f"  {why}: {WHY[why]}" for why in WHY if why in said)])
