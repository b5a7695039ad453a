"""`ledger impact`, `ledger stale`, `ledger what-if`: what follows from what, on the board."""

import difflib
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click

from ledger.cli.base import at_option, json_option, ledger_option, print_table, progress, resolve_at
from ledger.errors import BadArguments
from ledger.folder import Folder, find_folder
from ledger.queries import Table, find_query
from ledger.statuses import MET

if TYPE_CHECKING:
    import duckdb

#: How each kind of name is looked up: the entry that declares it, or the latest word on it.
_NAMED: Final = """
select name, position from (
    select name, max(position) as position, 1 as rank from criteria where not reported group by name
    union all select claim, max(position), 2 from claims where not reported group by claim
    union all select run, min(position), 3 from runs where not reported group by run
) order by rank, name
"""
#: What can be taken for discharged: rows by any name, and what others said blocks a row.
_SUPPOSABLE: Final = """
select name from row_names union select to_name from edges where relation = 'blocked_by' order by 1
"""
#: A position has no more digits than this.
_DIGITS: Final = 18
_EVENT: Final = (
    "EVENT is a position, a hash or the beginning of one, or the name of a row, claim or run."
)


@click.command(
    epilog="Examples:\n\n\b\n  ledger impact 57\n  ledger impact sha256:39c04a\n"
    "  ledger impact train-0001 --json"
)
@click.argument("event")
@at_option
@ledger_option
@json_option
def impact(event: str, at: str | None, ledger_dir: str | None, as_json: bool) -> None:
    """List what would turn suspect if EVENT fell: all that rests on it, directly or not.

    EVENT is a position, a hash or the beginning of one, or the name of a row, claim or run.
    """
    folder = find_folder(ledger_dir)
    whole, position = _ask(folder, "impact", at, event)
    found = Table(whole.columns, tuple(row for row in whole.rows if row[0] > 0))
    print_table(found, "json" if as_json else "table")
    if not as_json:
        counts = Counter(str(row["what"]) for row in found.objects())
        said = ", ".join(
            f"{count} {_plural(what, count)}" for what, count in sorted(counts.items())
        )
        click.echo(f"\nposition {position}: " + (said or "nothing rests on it"))


def _plural(what: str, count: int) -> str:
    return what if count == 1 else {"entry": "entries"}.get(what, what + "s")


@click.command(
    epilog='Examples:\n\n\b\n  ledger stale\n  ledger stale --commit "$(git rev-parse HEAD)" --json'
)
@click.option("--commit", help="The commit of now: premises seen at another one are listed, too.")
@at_option
@ledger_option
@json_option
def stale(commit: str | None, at: str | None, ledger_dir: str | None, as_json: bool) -> int:
    """List premises that fell or ran out, what rests on them, and rows to judge again.

    With --at, time is that of the newest entry there; else it is now. Exit code 1 where the list is
    not empty.
    """
    given: dict[str, str | None] = {"commit": commit}
    if at is None:
        given["now"] = str(time.time_ns() // 1_000)
    found, _ = _ask(find_folder(ledger_dir), "stale", at, None, given)
    print_table(found, "json" if as_json else "table")
    if not as_json and not found.rows:
        click.echo("nothing is stale")
    return 1 if found.rows else 0


@click.command(
    name="what-if",
    epilog="Examples:\n\n\b\n  ledger what-if --discharge PARITY\n"
    "  ledger what-if --discharge A --discharge B --json\n  ledger what-if --refute train-0001",
)
@click.option("--discharge", multiple=True, metavar="ROW", help="Take this row for DISCHARGED.")
@click.option("--refute", metavar="EVENT", help="Take this entry for refuted.")
@at_option
@ledger_option
@json_option
def what_if(
    discharge: tuple[str, ...],
    refute: str | None,
    at: str | None,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Show how the board would differ if rows were discharged or an entry fell. Records nothing.

    Rows that an edge says would follow are listed with the fate of its claim: an edge is a
    hypothesis, and takes no row along.
    """
    if not discharge and refute is None:
        raise BadArguments("nothing to suppose", hint="give --discharge ROW or --refute EVENT")
    given: dict[str, str | None] = {"discharge": ",".join(discharge) or None}
    board, _ = _ask(find_folder(ledger_dir), "what_if", at, refute, given, of="refute")
    changed = tuple(
        row
        for row, fields in zip(board.rows, board.objects(), strict=True)
        if fields["because"] is not None
    )
    print_table(Table(board.columns, changed), "json" if as_json else "table")
    if not as_json:
        click.echo()
        for line in _summary(list(board.objects())):
            click.echo(line)


def _summary(rows: list[dict[str, Any]]) -> list[str]:
    """Tally and open blocking rows, before and after, by model."""
    lines = []
    for when in ("before", "after"):
        counts = Counter(str(row[when]) for row in rows)
        parts = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        lines.append(f"{when}: {parts}")
    for model in sorted({str(row["model"]) for row in rows if row["blocking"] and row["model"]}):
        own = [row for row in rows if row["blocking"] and row["model"] == model]
        still = [sum(row[when] not in MET for row in own) for when in ("before", "after")]
        if still[0] != still[1]:
            lines.append(f"{model}: blocking rows open: {still[0]} before, {still[1]} after")
    return lines


def _ask(
    folder: Folder,
    query: str,
    at: str | None,
    event: str | None,
    given: dict[str, str | None] | None = None,
    of: str = "of",
) -> tuple[Table, int | None]:
    """The answer of a named query about an event, and the event's position."""
    from ledger.store.reader import open_reader

    position = resolve_at(folder, at)
    with (
        progress("reading the journal") as report,
        open_reader(folder, at=position, on_progress=report) as db,
    ):
        values = dict(given or {})
        found = None if event is None else _position(db, event)
        if found is not None:
            values[of] = str(found)
        _check_rows(db, values.get("discharge"))
        return find_query(query).run(db, values), found


def _position(db: "duckdb.DuckDBPyConnection", word: str) -> int:
    """The position of an event. Raises `BadArguments` with the nearest names."""
    if word.isdecimal():
        asked = int(word) if len(word) <= _DIGITS else -1
        rows = db.execute("select position from events where position = ?", [asked]).fetchall()
        if rows:
            return int(rows[0][0])
        raise BadArguments(f"there is no position {word}", hint="`ledger query events` lists them")
    if word.startswith("sha256:"):
        rows = db.execute(
            "select position from events where starts_with(hash, ?) order by position limit 2",
            [word],
        ).fetchall()
        if len(rows) == 1:
            return int(rows[0][0])
        many = "more than one entry begins" if rows else "no entry begins"
        raise BadArguments(f"{many} with {word}", hint="give more digits, or its position")
    names: dict[str, int] = {}
    for name, position in db.execute(_NAMED).fetchall():
        names.setdefault(name, position)
    if word in names:
        return names[word]
    near = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else _EVENT
    raise BadArguments(f"there is no row, claim or run {word!r}", hint=hint)


def _check_rows(db: "duckdb.DuckDBPyConnection", rows: str | None) -> None:
    """Raises `BadArguments` for a row that was not declared."""
    if rows is None:
        return
    known = [row[0] for row in db.execute(_SUPPOSABLE).fetchall()]
    for name in rows.split(","):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "`ledger board` lists them"
            raise BadArguments(f"there is no row {name!r}", hint=hint)
