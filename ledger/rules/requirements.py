"""A row that requires others is not discharged before them."""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import event_at, row_status


def waiting_for(criterion: CriterionDeclared, record: Record) -> list[str]:
    """The rows that a criterion requires and that are not DISCHARGED, each with its status."""
    stands = {row: row_status(row, record) for row in criterion.requires or ()}
    return [f"{row} ({status})" for row, status in stands.items() if status != "DISCHARGED"]


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """Every required row is DISCHARGED."""
    verdict = proposal.event
    if isinstance(verdict, VerdictGiven) and verdict.status == "DISCHARGED":
        criterion = event_at(parse_hash(verdict.declaration), CriterionDeclared, record)
        waiting = waiting_for(criterion, record) if criterion is not None else []
        if waiting:
            yield f"{verdict.criterion} requires {', '.join(waiting)}"


RULE = Rule(
    name="requirements", forbids="discharging a row before the rows it requires", check=check
)
