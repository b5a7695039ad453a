"""Every published board of a history against its rows, counted by hand from the lines of the file.

An oracle: it reads JSONL lines and nothing of the program. A line's position in a ledger that holds
the history alone is its number, counted from 1.
"""

from collections.abc import Iterator, Sequence
from typing import Any

UNIDENTIFIED = "UNIDENTIFIED-ROW-"
COUNTED = {"PARTIAL_ALGORITHM_LEVEL": "partial", "DISCHARGED": "discharged"}
Line = dict[str, Any]


def row_of(name: str, lines: Sequence[Line]) -> str | None:
    """The row that a name speaks of; nothing where no declaration gives the name."""
    row = name if name.startswith(UNIDENTIFIED) else None
    for line in lines:
        if line["kind"] in ("criterion_declared", "gate_declared", "invariant_declared"):
            data = line["data"]
            if name in (line["id"], data.get("falsifier"), data.get("alias")):
                row = data.get("falsifier") or line["id"]
    return row


def statuses_before(lines: Sequence[Line], *, with_branches: bool) -> dict[str, tuple[str, int]]:
    """Row → (latest status, position of it) after these lines."""
    latest = {}
    for position, line in enumerate(lines, start=1):
        if line["kind"] != "verdict":
            continue
        if line["data"].get("branch_only") and not with_branches:
            continue
        row = row_of(line["id"], lines)
        if row is not None:
            latest[row] = (line["data"]["status"], position)
    return latest


def tally(statuses: dict[str, tuple[str, int]]) -> tuple[int, int]:
    """(PARTIAL, DISCHARGED) of the rows."""
    counted = [COUNTED.get(status) for status, _ in statuses.values()]
    return counted.count("partial"), counted.count("discharged")


def replay(lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """Each published board with both folds, and the rows whose folds differ."""
    for number, line in enumerate(lines):
        if line["kind"] != "scoreboard":
            continue
        data = line["data"]
        everything = statuses_before(lines[:number], with_branches=True)
        main = statuses_before(lines[:number], with_branches=False)
        folded, total = tally(everything), data.get("total")
        published = (data["published_partial"], data["published_discharged"])
        yield {
            "id": line["id"],
            "position": number + 1,
            "published": published,
            "total": total,
            "folded": folded,
            "main": tally(main),
            "agrees": published == folded and total in (None, sum(folded)),
            "branch_rows": sorted(
                (row, everything[row][1])
                for row in everything
                if COUNTED.get(everything[row][0]) != COUNTED.get(main.get(row, ("", 0))[0])
            ),
        }
