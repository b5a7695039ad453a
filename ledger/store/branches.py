"""Which positions are off the main line, as a reader sees the record (spec/formats/branches.md).

The temporary table `off_main(first, last, branch)`: what stands there on a branch and does not
count. `ledger.branches` says the same of a journal; here it is said of tables, in ranges.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

_OWN: Final = "select position, position, branch from events where branch is not null"


def create_off_main(db: "duckdb.DuckDBPyConnection") -> None:
    """Make the table, from the views of a reader."""
    imported = _imported(db)
    own = db.execute(f"{_OWN} order by position").fetchall()
    ranges = imported + [row for row in own if not _is_in(row[0], imported)]
    merged = _merged(db, ranges)
    db.execute("create temp table off_main (first ubigint, last ubigint, branch varchar)")
    rows = [
        (max(first, merged.get(branch, -1) + 1), last, branch)
        for first, last, branch in _joined(sorted(ranges))
    ]
    rows = [row for row in rows if row[0] <= row[1]]
    if rows:
        firsts, lasts, branches = zip(*rows, strict=True)
        db.execute(
            "insert into off_main select unnest($1), unnest($2), unnest($3)",
            [list(firsts), list(lasts), list(branches)],
        )


def _imported(db: "duckdb.DuckDBPyConnection") -> list[tuple[int, int, str]]:
    """(first, last, branch) of each import of this ledger; one inside another is not ours."""
    found: list[tuple[int, int, str]] = []
    until = -1
    rows = db.execute(
        "select position, last, branch from imports where last is not null order by position"
    ).fetchall()
    for position, last, branch in rows:
        if position > until:
            found.append((position + 1, last, branch))
            until = last
    return found


def _is_in(position: int, ranges: list[tuple[int, int, str]]) -> bool:
    return any(first <= position <= last for first, last, _ in ranges)


def _joined(ranges: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Ranges of one branch that follow one another, as one."""
    joined: list[tuple[int, int, str]] = []
    for first, last, branch in ranges:
        if joined and joined[-1][1:] == (first - 1, branch):
            joined[-1] = (joined[-1][0], last, branch)
        else:
            joined.append((first, last, branch))
    return joined


def _merged(db: "duckdb.DuckDBPyConnection", ranges: list[tuple[int, int, str]]) -> dict[str, int]:
    """The position up to which each branch counts."""
    heads = {
        branch: head
        for position, branch, head in db.execute(
            "select position, branch, head from merges order by position"
        ).fetchall()
        if not _is_in(position, [one for one in ranges if one[0] != one[1]])
    }
    if not heads:
        return {}
    found = db.execute(
        "select hash, position from events where hash in (select unnest($1))",
        [list(heads.values())],
    ).fetchall()
    positions = dict(found)
    return {branch: positions.get(head, -1) for branch, head in heads.items()}
