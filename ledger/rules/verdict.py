"""A verdict is a function of numbers. No one types PASS.

The proposed verdict is computed again from the declaration and the evidence it names; it is refused
where any field differs.
"""

import math
from collections.abc import Iterable
from typing import Any, Final

from ledger.entry import parse_hash
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import event_at
from ledger.rules.threshold import holds, is_same

#: 95 % of a normal distribution lie within so many standard deviations.
_Z: Final = 1.959963984540054
#: Units in which a value is a share, with the value that is all.
_SHARES: Final = {"percent": 100.0, "ratio": 1.0}
#: Which way a noise allowance moves a threshold.
_ALLOWED: Final = {">=": -1, ">": -1, "<=": 1, "<": 1}


def decide(criterion: CriterionDeclared, evidence: MeasurementTaken) -> dict[str, Any]:
    """The fields of the verdict that follow from a criterion and a measurement."""
    samples = _samples(evidence)
    met = meets(criterion, evidence)
    enough = criterion.samples is None or (samples is not None and samples >= criterion.samples)
    return {
        "criterion": criterion.criterion,
        "status": ("DISCHARGED" if enough else "PROVISIONAL") if met else "FALSIFIED",
        "metric": criterion.metric,
        "value": evidence.value,
        "operator": criterion.operator,
        "threshold": criterion.threshold,
        "unit": criterion.unit,
        "noise": criterion.noise,
        "samples": samples,
        "interval": _interval(evidence.value, samples, evidence.unit),
        "seen": criterion.seen,
    }


def meets(criterion: CriterionDeclared, evidence: MeasurementTaken) -> bool:
    """Whether a value stands to the threshold as demanded, the noise allowance included."""
    return holds(evidence.value, criterion.operator, bound(criterion))


def bound(criterion: CriterionDeclared) -> bool | int | float | str:
    """The threshold with the noise allowance: the last value that is taken."""
    threshold = criterion.threshold
    if criterion.noise is not None and not isinstance(threshold, (bool, str)):
        threshold += _ALLOWED[criterion.operator] * criterion.noise
    return threshold


def _samples(evidence: MeasurementTaken) -> int | None:
    """How many samples a measurement says it rests on, in `n` of its key."""
    n = evidence.key.get("n")
    return n if isinstance(n, int) and not isinstance(n, bool) and n > 0 else None


def _interval(value: object, n: int | None, unit: str | None) -> tuple[float, float] | None:
    """Wilson's 95 % interval of a share of n samples; None where the value is none.

    Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    whole = _SHARES.get(unit or "")
    if n is None or whole is None or isinstance(value, bool):
        return None
    if not isinstance(value, (int, float)) or not 0 <= value <= whole:
        return None
    share = value / whole
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return round(low * whole, 9), round(high * whole, 9)


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The verdict equals the one that its declaration and evidence give."""
    verdict = proposal.event
    if not isinstance(verdict, VerdictGiven):
        return
    known = record.standing(f"criterion/{verdict.criterion}")
    if known is None:
        yield f"there is no criterion {verdict.criterion}: declare it first"
        return
    named = parse_hash(verdict.declaration)
    strict = record.standing(f"demand/{verdict.criterion}")  # it counts on, beside one post hoc
    if named != known[1] and (strict is None or named != strict[1]):
        yield f"the declaration in force is at position {known[2]}, the verdict names another"
        named = known[1]
    criterion = event_at(named, CriterionDeclared, record)
    evidence = event_at(parse_hash(verdict.evidence), MeasurementTaken, record)
    if criterion is None or evidence is None:
        yield "its evidence is not a measurement of this ledger"
        return
    yield from differences(verdict, criterion, evidence)
    if not {verdict.declaration, verdict.evidence} <= set(proposal.cites):
        yield "a verdict cites its declaration and its evidence"


def differences(
    verdict: VerdictGiven, criterion: CriterionDeclared, evidence: MeasurementTaken
) -> Iterable[str]:
    """Each field of a verdict that is not what the numbers give."""
    for name, wanted in decide(criterion, evidence).items():
        if not is_same(getattr(verdict, name), wanted):
            yield f"{name} is {getattr(verdict, name)!r}; the numbers give {wanted!r}"


RULE = Rule(name="verdict", forbids="a verdict that does not follow from the numbers", check=check)
