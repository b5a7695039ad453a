"""An artifact published while rows were open that were declared to block it."""

from collections.abc import Iterable
from typing import Final

from ledger.replay.base import Examined, Examiner, Statement
from ledger.replay.history import History
from ledger.replay.repeated_discharge import DISCHARGED


def examine(history: History) -> Iterable[Examined]:
    """Each publication, against every blocking row that was declared before it."""
    for said in history.of("publication.reported"):
        states: dict[str, list[str]] = {"open": [], "undetermined": [], "closed": []}
        blocking = [
            row
            for row in history.rows_of(said)
            if row.is_blocking and history.before(row.declared, said)
        ]
        for row in blocking:
            states[_state(history.verdicts.get(row.name, []), said, history)].append(row.name)
        unclosed = states["open"] + states["undetermined"]
        if not unclosed:
            continue
        yield Examined(
            rule=EXAMINER.rule,
            severity="fault" if states["open"] else "undetermined",
            subject=said.subject,
            events=(
                said.position,
                *(row.declared.position for row in blocking if row.name in unclosed),
            ),
            numbers={
                "blocking": len(blocking),
                "open": len(states["open"]),
                "undetermined": len(states["undetermined"]),
                "open_rows": states["open"],
                "undetermined_rows": states["undetermined"],
            },
            message=f"published while {len(states['open'])} of {len(blocking)} blocking rows were "
            f"open: {', '.join(states['open'])}",
        )


def _state(verdicts: list[Statement], published: Statement, history: History) -> str:
    """Whether a row was open, closed, or closed on the same day in an order nobody stated."""
    status, is_tied = None, False
    for said in verdicts:
        order = history.before(said, published)
        if said.branch not in (None, published.branch) or order is False:
            continue
        if order is None:
            is_tied = is_tied or said.body["status"] == DISCHARGED
        else:
            status = said.body["status"]
    if status == DISCHARGED:
        return "closed"
    return "undetermined" if is_tied else "open"


EXAMINER: Final = Examiner(
    rule="published-while-open",
    finds="A publication while rows that block it were not discharged.",
    examine=examine,
)
