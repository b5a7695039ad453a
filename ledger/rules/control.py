"""A control with a known score runs first: a harness that fails it says nothing about a model.

Where a criterion has a control, the evidence names its harness in its key, and the verdict names a
measurement of that harness that came before and lies where the control says.
"""

from collections.abc import Iterable

from ledger.entry import Entry, format_hash, parse_hash
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.rules.base import Facts, Proposal, Record, Rule
from ledger.rules.standing import event_at
from ledger.rules.support import weaknesses


def find_control(criterion: CriterionDeclared, evidence: bytes, record: Record) -> str | None:
    """Hash of the newest control that this evidence can go by; None where there is none."""
    if criterion.control_metric is None:
        return None
    for hash_, _ in reversed(record.listed(f"results/{criterion.control_metric}")):
        if not any(control_problems(criterion, evidence, hash_, record)):
            return format_hash(hash_)
    return None


def control_problems(
    criterion: CriterionDeclared, evidence: bytes, control: bytes, record: Facts
) -> Iterable[str]:
    """Why a measurement is not the control of this evidence."""
    low, high = criterion.control_low or 0, criterion.control_high or 0
    known, found = record.read(evidence), record.read(control)
    result = event_at(control, MeasurementTaken, record)
    if known is None or found is None or result is None:
        yield "its control is not a measurement of this ledger"
        return
    yield from weaknesses(control, record)
    harness = _harness(known[0])
    if harness is None or _harness(found[0]) != harness:
        yield f"its control ran on harness {_harness(found[0])!r}, the evidence on {harness!r}"
    if found[1] == known[1]:
        yield "the evidence is no control of itself"
    elif found[1] > known[1]:
        yield f"its control (position {found[1]}) came after the evidence"
    elif result.metric == criterion.metric and found[0].body["key"] == known[0].body.get("key"):
        yield "its control measured the same thing as the evidence: nothing was known of it"
    value = result.value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if result.metric != criterion.control_metric:
        yield f"its control measures {result.metric}, not {criterion.control_metric}"
    elif not is_number or not low <= float(value) <= high:
        yield f"its control scored {value}, known to lie in [{low}, {high}]"


def _harness(entry: Entry) -> object:
    return (entry.body.get("key") or {}).get("harness")


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """A verdict on a criterion with a control names one that came out as known."""
    verdict = proposal.event
    if not isinstance(verdict, VerdictGiven):
        return
    criterion = event_at(parse_hash(verdict.declaration), CriterionDeclared, record)
    if criterion is None:
        return
    if criterion.control_metric is None:
        if verdict.control is not None:
            yield "the criterion asks for no control"
    elif verdict.control is None:
        yield f"run the control first: {criterion.control_metric} on the harness of the evidence"
    else:
        evidence, control = parse_hash(verdict.evidence), parse_hash(verdict.control)
        yield from control_problems(criterion, evidence, control, record)


RULE = Rule(
    name="control", forbids="judging by a harness that no known score was reached with", check=check
)
