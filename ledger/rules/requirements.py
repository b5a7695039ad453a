"""A row that requires others is not discharged before them."""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import demand_in_force, event_at, row_status, taken_away


def waiting_for(criterion: CriterionDeclared, record: Record) -> list[str]:
    """The rows that a criterion requires and that are not DISCHARGED, each with its status."""
    waiting = []
    for row in criterion.requires or ():
        status, verdict = row_status(row, record), record.standing(f"verdict/{row}")
        if status != "DISCHARGED" or verdict is None:
            waiting.append(f"{row} ({status})")
        elif taken := taken_away(verdict[1], record):
            waiting.append(f"{row} ({status}, but {taken[0]})")
    return waiting


def _circle(criterion: CriterionDeclared, record: Record) -> list[str]:
    """The names on a way from a row over what it requires back to it; empty where there is none."""
    ways = [[row] for row in criterion.requires or ()]
    seen: set[str] = set()
    for way in ways:
        if way[-1] == criterion.criterion:
            return [criterion.criterion, *way]
        known = demand_in_force(way[-1], record)
        if known is not None and way[-1] not in seen:
            seen.add(way[-1])
            ways += [[*way, row] for row in known[0].requires or ()]
    return []


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """Every required row is DISCHARGED, and none waits for the row that requires it."""
    if isinstance(proposal.event, CriterionDeclared):
        circle = _circle(proposal.event, record)
        if circle:
            yield f"a circle that no row comes out of: {' requires '.join(circle)}"
    verdict = proposal.event
    if isinstance(verdict, VerdictGiven) and verdict.status == "DISCHARGED":
        criterion = event_at(parse_hash(verdict.declaration), CriterionDeclared, record)
        waiting = waiting_for(criterion, record) if criterion is not None else []
        if waiting:
            yield f"{verdict.criterion} requires {', '.join(waiting)}"


RULE = Rule(
    name="requirements", forbids="discharging a row before the rows it requires", check=check
)
