"""A row discharged though the last measurement against its limit was over it."""

from collections.abc import Iterable
from typing import Final

from ledger.replay.base import Examined, Examiner, Statement, as_number
from ledger.replay.history import History, Row
from ledger.replay.repeated_discharge import DISCHARGED

#: A measurement says so itself: `limit`, and how many times it was over it.
LIMIT: Final = "limit"
TIMES_OVER: Final = "times_over"


def examine(history: History) -> Iterable[Examined]:
    """Measurements over a limit that is the threshold of exactly one row."""
    for said in history.of("measurement.reported"):
        limit, times = _stated(said)
        if limit is None or times is None or times <= 1.0:
            continue
        rows = [row for row in history.rows_of(said) if as_number(row.threshold) == limit]
        if len(rows) == 1:
            yield from _discharges(history, said, rows[0], times)


def _discharges(history: History, said: Statement, row: Row, times: float) -> Iterable[Examined]:
    for verdict in history.verdicts.get(row.name, []):
        order = history.before(said, verdict)
        if verdict.body["status"] != DISCHARGED or order is False:
            continue
        if any(_is_better(history, other, said, verdict) for other in history.of(said.kind)):
            continue
        limit = as_number(row.threshold)
        yield Examined(
            rule=EXAMINER.rule,
            severity="suspect" if order else "undetermined",
            subject=row.name,
            events=(row.declared.position, said.position, verdict.position),
            numbers={"limit": limit, "times_over": times},
            message=f"discharged on {verdict.day}; the last measurement against its limit "
            f"{limit:g} was {times:g} times over it, on {said.day}",
        )


def _stated(said: Statement) -> tuple[float | None, float | None]:
    numbers = said.body["numbers"]
    return as_number(numbers.get(LIMIT)), as_number(numbers.get(TIMES_OVER))


def _is_better(history: History, other: Statement, said: Statement, verdict: Statement) -> bool:
    """Whether another measurement against the limit, in between, was not over it."""
    if other is said or _stated(other)[0] != _stated(said)[0]:
        return False
    within = (_stated(other)[1] or 0.0) <= 1.0
    return (
        within
        and history.before(said, other) is not False
        and history.before(other, verdict) is not False
    )


EXAMINER: Final = Examiner(
    rule="over-limit",
    finds="A discharge after a measurement over the limit of the row, and none under it since.",
    examine=examine,
)
