"""A row discharged while what was said to block it was not resolved.

An edge is a hypothesis: either the blocker did not block, or the discharge came too early. One of
the two statements is wrong, and the history says of neither which.
"""

from collections.abc import Iterable
from typing import Final

from ledger.replay.base import Examined, Examiner, Statement
from ledger.replay.history import History
from ledger.replay.repeated_discharge import DISCHARGED

BLOCKED_BY: Final = "blocked_by"


def examine(history: History) -> Iterable[Examined]:
    """Each edge `blocked_by` of something that was discharged."""
    for edge in history.of("edge.reported"):
        if edge.body["relation"] != BLOCKED_BY:
            continue
        blocked, blocker = (
            history.row_names.get(name or "", name or "")
            for name in (edge.name("from_name"), edge.name("to_name"))
        )
        first = _first_discharge(history, blocked)
        if first is None or not history.before(edge, first):
            continue
        resolved = _first_discharge(history, blocker)
        order = False if resolved is None else history.before(resolved, first)
        if order:
            continue
        later = [] if resolved is None else [resolved.position]
        when = "was never resolved" if resolved is None else f"was resolved on {resolved.day}"
        yield Examined(
            rule=EXAMINER.rule,
            severity="undetermined" if order is None else "suspect",
            subject=blocked,
            events=(edge.position, first.position, *later),
            numbers={
                "blocker": blocker,
                "discharged": first.day,
                "resolved": resolved.day if resolved is not None else None,
            },
            message=f"discharged on {first.day}, while {blocker}, said to block it, {when}",
        )


def _first_discharge(history: History, name: str) -> Statement | None:
    return next(
        (said for said in history.verdicts.get(name, []) if said.body["status"] == DISCHARGED), None
    )


EXAMINER: Final = Examiner(
    rule="blocked-discharge",
    finds="A row that was discharged before what was said to block it.",
    examine=examine,
)
