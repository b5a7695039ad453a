"""What is not comparable is not compared: evidence is about what the criterion is bound to.

A measurement carries a key: model, tokens, tokenizer, sequence length, harness. A criterion binds
some of it. Unequal keys do not meet, and the answer names the field that differs.
"""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import event_at
from ledger.rules.support import matches


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
    """A verdict's evidence has the metric, the unit and the key that its criterion names."""
    verdict = proposal.event
    if not isinstance(verdict, VerdictGiven):
        return
    criterion = event_at(parse_hash(verdict.declaration), CriterionDeclared, record)
    evidence = event_at(parse_hash(verdict.evidence), MeasurementTaken, record)
    if criterion is not None and evidence is not None:
        yield from mismatches(criterion, evidence)


RULE = Rule(
    name="comparability", forbids="evidence about something else than the criterion", check=check
)
