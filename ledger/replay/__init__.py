"""The replay: what reported statements contradict, by numbers, names and edges. The list.

base.py     what an examiner is and what it finds      history.py  the history it sees
Every other file is one examiner. Nothing here knows a name of any history.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ledger.queries import find_query
from ledger.replay import (
    against_declaration,
    blocked_discharge,
    boards,
    incomparable,
    moved_threshold,
    numbers_claimed_twice,
    over_limit,
    own_words,
    pairs,
    publication,
    repeated_discharge,
    run_marks,
    scales,
    stated_numbers,
    traces_apart,
)
from ledger.replay.base import Examined, Examiner
from ledger.replay.history import History

if TYPE_CHECKING:
    import duckdb

EXAMINERS: Final[tuple[Examiner, ...]] = (
    boards.EXAMINER,
    repeated_discharge.EXAMINER,
    numbers_claimed_twice.EXAMINER,
    incomparable.EXAMINER,
    traces_apart.EXAMINER,
    pairs.EXAMINER,
    scales.EXAMINER,
    run_marks.EXAMINER,
    moved_threshold.EXAMINER,
    against_declaration.EXAMINER,
    over_limit.EXAMINER,
    blocked_discharge.EXAMINER,
    publication.EXAMINER,
    stated_numbers.EXAMINER,
    own_words.EXAMINER,
)


def examine(db: "duckdb.DuckDBPyConnection") -> list[Examined]:
    """Everything the examiners find, in the order of the list, and of the entries they name."""
    history = History(db)
    return [
        found
        for examiner in EXAMINERS
        for found in sorted(examiner.examine(history), key=lambda found: found.events)
    ]


def places(
    db: "duckdb.DuckDBPyConnection", findings: Sequence[Examined]
) -> dict[int, dict[str, object]]:
    """Position → {position, hash, line} of every entry that the findings name."""
    wanted = sorted({position for found in findings for position in found.events})
    if not wanted:
        return {}
    asked = {"positions": ",".join(map(str, wanted))}
    rows = find_query("replay_places").run(db, asked).objects()
    return {
        row["position"]: {name: row[name] for name in ("position", "hash", "line")} for row in rows
    }


__all__ = ["EXAMINERS", "Examined", "Examiner", "examine", "places"]
