"""Nothing is published before every blocking row of its model is met."""

from collections.abc import Iterable

from ledger.events.artifact import ArtifactPublished
from ledger.events.criterion import CriterionDeclared
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import event_at, row_status
from ledger.statuses import MET


def open_rows(model: str, record: Record) -> tuple[int, list[str]]:
    """How many blocking rows a model has, and those that are not met, each with its status."""
    rows = {}
    for hash_, _ in record.listed(f"rows/{model}"):
        declared = event_at(hash_, CriterionDeclared, record)
        if declared is not None and declared.seen is None:
            rows[declared.criterion] = declared.blocking
    blocking = [row for row, is_blocking in rows.items() if is_blocking]
    stands = {row: row_status(row, record) for row in blocking}
    unmet = [f"{row} is {status}" for row, status in stands.items() if status not in MET]
    return len(blocking), unmet


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The artifact is the one that was made, and every blocking row of its model is met."""
    event = proposal.event
    if not isinstance(event, ArtifactPublished):
        return
    made = record.standing(f"artifact/{event.artifact}")
    if made is not None and made[0] != event.digest:
        yield f"{event.artifact} was made as {made[0]} at position {made[2]}"
    blocking, unmet = open_rows(event.model, record)
    yield from unmet
    if not blocking:
        yield f"no blocking row is declared for {event.model}: nothing says what it must meet"


RULE = Rule(name="publication", forbids="publishing while a blocking row is open", check=check)
