"""Marking runs: what the monitors find in the runs that a judgement would rest on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ledger.events.status import RunMarked
from ledger.monitors import Mark, marks_of, word_of
from ledger.monitors.runs import read_runs
from ledger.recorder import Draft
from ledger.rules.base import Facts

if TYPE_CHECKING:
    import duckdb

#: Runs in which a monitor has something to read: steps, or a device that is not the one asked for.
#: The others are numbers alone, and their provenance is a matter of the rules.
_READABLE: Final = """
select run from runs r
where not reported and run in (select unnest(?::varchar[])) and (
    (device_asked <> 'auto' and device_asked is distinct from device_observed)
    or exists (from step_metrics s where not s.reported and s.run = r.run)
) order by position
"""
#: Positions that a mark names; a monitor may see a fault in a million steps.
_NAMED: Final = 100


def marks_for(
    db: "duckdb.DuckDBPyConnection", record: Facts, runs: Iterable[str]
) -> list[tuple[str, Draft]]:
    """The runs of these that a monitor marks and nobody marked before, each with the event."""
    unmarked = [run for run in sorted(runs) if record.standing(f"mark/{run}") is None]
    found = []
    for (run,) in db.execute(_READABLE, [unmarked]).fetchall() if unmarked else ():
        for view in read_runs(db, run, reported=False):
            marks = marks_of(view)
            if marks:
                found.append((run, Draft(event=_marked(run, marks))))
    return found


def _marked(run: str, marks: tuple[Mark, ...]) -> RunMarked:
    """The event for the gravest mark; the other monitors that fired stand beside it."""
    word = word_of(marks)
    assert word is not None
    first = next(mark for mark in marks if mark.mark == word)
    also = [mark.monitor for mark in marks if mark.monitor != first.monitor]
    numbers = dict(first.numbers) | ({"also": also} if also else {})
    return RunMarked(
        run=run,
        mark=word,
        monitor=first.monitor,
        why=first.why,
        positions=tuple(first.events[:_NAMED]),
        numbers=numbers,
    )
