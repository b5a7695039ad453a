"""Nothing survives that was not attacked: the default is UNKNOWN.

The outcome of a test follows from its number. SURVIVED needs a measurement on which the same test
comes out the other way; without one, the test could not have failed, and shows nothing.
"""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.claim import ClaimStated, ClaimTested
from ledger.events.run import MeasurementTaken
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import claim_fate, event_at
from ledger.rules.threshold import holds, is_comparable, is_same
from ledger.statuses import legal_moves


def outcome(value: object, operator: str, threshold: object) -> str:
    """What a test says: whether the value stands as the claim says it does."""
    return "SURVIVED" if holds(value, operator, threshold) else "REFUTED"


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The outcome is the number's, and could have been the other one."""
    test = proposal.event
    if not isinstance(test, ClaimTested):
        return
    evidence = event_at(parse_hash(test.evidence), MeasurementTaken, record)
    if evidence is None:
        yield "its evidence is not a measurement of this ledger"
        return
    yield from _number_problems(test, evidence)
    yield from _control_problems(test, record)
    yield from _claim_problems(test, record)
    for name, hash_ in (("evidence", test.evidence), ("other_way", test.other_way)):
        if hash_ is not None and hash_ not in proposal.cites:
            yield f"a test cites its {name}"


def _number_problems(test: ClaimTested, evidence: MeasurementTaken) -> Iterable[str]:
    for name in ("metric", "unit", "value"):
        if not is_same(getattr(test, name), getattr(evidence, name)):
            yield f"{name} is {getattr(test, name)!r}; the evidence has {getattr(evidence, name)!r}"
    wanted = outcome(evidence.value, test.operator, test.threshold)
    if test.outcome != wanted:
        yield f"outcome is {test.outcome}; the number gives {wanted}"


def _control_problems(test: ClaimTested, record: Record) -> Iterable[str]:
    if test.other_way is None:
        if test.outcome == "SURVIVED":
            yield (
                "nothing shows that this test could have failed: measure a planted fault with it, "
                "and name that in `other_way`"
            )
        return
    other = event_at(parse_hash(test.other_way), MeasurementTaken, record)
    if other is None:
        yield "its other_way is not a measurement of this ledger"
    elif (other.metric, other.unit) != (test.metric, test.unit):
        yield f"its other_way measures {other.metric} in {other.unit}"
    elif not is_comparable(other.value, test.threshold):
        yield f"its other_way ({other.value}) cannot be held against {test.threshold}"
    elif outcome(other.value, test.operator, test.threshold) == test.outcome:
        yield f"its other_way ({other.value}) comes out {test.outcome} too"


def _claim_problems(test: ClaimTested, record: Record) -> Iterable[str]:
    stated = record.standing(f"claim/{test.claim}")
    claim = event_at(stated[1], ClaimStated, record) if stated else None
    if claim is None:
        return  # the rule on names says so
    if (claim.over is None) != (test.member is None):
        yield (
            f"{test.claim} is about one thing, not a member of a set"
            if claim.over is None
            else f"{test.claim} is about the set {claim.over}: say which member was tested"
        )
    elif test.member is not None and record.standing(f"member/{claim.over}/{test.member}") is None:
        yield f"{test.member} is no member of {claim.over}: `member.added` makes it one"
    measured = record.position_of(parse_hash(test.evidence))
    if test.outcome == "SURVIVED" and stated and measured is not None and measured < stated[2]:
        yield (
            f"position {measured} was on record before {test.claim} was stated: it can refute the "
            "claim, but the claim never stood at risk; measure again"
        )
    fate = claim_fate(test.claim, record)
    if test.outcome not in (fate, *(m.to_status for m in legal_moves("claim", fate))):
        yield f"{test.claim} is {fate}: only what takes that away opens it again (entry.refuted)"


RULE = Rule(
    name="attempts", forbids="a claim that survives a test which could not fail", check=check
)
