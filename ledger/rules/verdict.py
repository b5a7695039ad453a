"""A verdict is a function of numbers. No one types PASS.

The proposed verdict is computed again from the declaration and the evidence it names; it is refused
where any field differs, where the evidence is not about what the criterion is bound to, or where
the number is not measured.
"""

from collections.abc import Iterable
from typing import Any

from ledger.entry import Entry, parse_hash
from ledger.events import read_event
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.support import matches, weaknesses
from ledger.rules.threshold import holds


def decide(criterion: CriterionDeclared, evidence: MeasurementTaken) -> dict[str, Any]:
    """The fields of the verdict that follow from a criterion and a measurement."""
    met = holds(evidence.value, criterion.operator, criterion.threshold)
    return {
        "criterion": criterion.criterion,
        "status": "DISCHARGED" if met else "FALSIFIED",
        "metric": criterion.metric,
        "value": evidence.value,
        "operator": criterion.operator,
        "threshold": criterion.threshold,
        "unit": criterion.unit,
    }


def mismatches(criterion: CriterionDeclared, evidence: MeasurementTaken) -> Iterable[str]:
    """Why this measurement is not evidence for this criterion; empty if it is."""
    if evidence.metric != criterion.metric:
        yield f"the evidence measures {evidence.metric}, the criterion asks for {criterion.metric}"
    if evidence.unit != criterion.unit:
        yield f"the evidence is in {evidence.unit}, the criterion in {criterion.unit}"
    if not matches(evidence.key, criterion.binding):
        wanted = {k: v for k, v in criterion.binding.items() if not matches(evidence.key, {k: v})}
        yield f"the evidence is not about what the criterion is bound to: {wanted}"


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The verdict equals the one that its declaration and evidence give."""
    verdict = proposal.event
    if not isinstance(verdict, VerdictGiven):
        return
    known = record.standing(f"criterion/{verdict.criterion}")
    if known is None:
        yield f"there is no criterion {verdict.criterion}: declare it first"
        return
    if known[1] != parse_hash(verdict.declaration):
        yield f"the declaration in force is at position {known[2]}, the verdict names another"
    criterion = _typed(record.read(known[1]))
    evidence = _typed(record.read(parse_hash(verdict.evidence)))
    if not isinstance(criterion, CriterionDeclared) or not isinstance(evidence, MeasurementTaken):
        yield "its evidence is not a measurement of this ledger"
        return
    yield from mismatches(criterion, evidence)
    yield from weaknesses(parse_hash(verdict.evidence), record)
    for name, wanted in decide(criterion, evidence).items():
        if getattr(verdict, name) != wanted:
            yield f"{name} is {getattr(verdict, name)!r}; the numbers give {wanted!r}"
    if not {verdict.declaration, verdict.evidence} <= set(proposal.cites):
        yield "a verdict cites its declaration and its evidence"
    latest = record.standing(f"verdict/{verdict.criterion}")
    if latest is not None and latest[0] == verdict.status:
        yield f"it is {verdict.status} since position {latest[2]}; saying so again changes nothing"


def _typed(found: tuple[Entry, int] | None) -> object:
    if found is None:
        return None
    entry = found[0]
    return read_event(entry.kind, entry.schema_version, entry.body)


RULE = Rule(
    name="verdict", forbids="a verdict that does not follow from measured evidence", check=check
)
