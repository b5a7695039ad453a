"""A threshold that moves after a result was seen marks what is judged by it: post hoc.

The declaration that moves it names the result (`seen`): the first on record that meets the new
demand better than the one before. Its verdicts then stand beside the row, and the row keeps its
strict demand and status. What was measured on a branch before the demand moved was seen, too.
"""

from collections.abc import Iterable
from typing import Final

from ledger.entry import format_hash, parse_hash
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.comparability import mismatches
from ledger.rules.control import find_control
from ledger.rules.provenance import unmet_terms
from ledger.rules.requirements import waiting_for
from ledger.rules.standing import demand_in_force, event_at
from ledger.rules.verdict import decide

#: How well a result meets a demand: a verdict of the same status is no better than another.
_RANKS: Final = {"FALSIFIED": 0, "PROVISIONAL": 1, "DISCHARGED": 2}

#: Terms that are said of a demand where they changed.
_TERMS: Final = (
    "metric", "unit", "binding", "noise", "samples", "provenance", "rests_on", "control_metric",
    "requires",
)  # fmt: skip


def first_seen(new: CriterionDeclared, old: CriterionDeclared, record: Record) -> str | None:
    """Hash of the first result that meets the new demand better than the old; None if none does."""
    olds = _befores(new, old, record)
    for hash_, position in record.listed(f"results/{new.metric}"):
        found, result = record.read(hash_), event_at(hash_, MeasurementTaken, record)
        if found is None or result is None or not record.counts(found[0], position):
            continue
        if result.provenance == "synthetic":
            continue
        rank = _rank(new, hash_, result, record)
        if any(rank > _rank_before(new, before, hash_, result, record) for before in olds):
            return format_hash(hash_)
    return None


def _befores(
    new: CriterionDeclared, old: CriterionDeclared, record: Record
) -> list[CriterionDeclared]:
    """The demand in force and the head of the row, which a merged branch may have made two."""
    known = record.standing(f"criterion/{new.criterion}")
    head = event_at(known[1], CriterionDeclared, record) if known else None
    return [old, head] if head is not None and head.seen is None and head != old else [old]


def _rank(
    criterion: CriterionDeclared, hash_: bytes, result: MeasurementTaken, record: Record
) -> int:
    """How well a result meets a demand and its terms."""
    if any(mismatches(criterion, result)) or any(unmet_terms(criterion, hash_, record)):
        return 0
    if criterion.control_metric is not None and find_control(criterion, hash_, record) is None:
        return 0
    return _RANKS[decide(criterion, result)["status"]]


def _rank_before(
    new: CriterionDeclared,
    old: CriterionDeclared,
    hash_: bytes,
    result: MeasurementTaken,
    record: Record,
) -> int:
    """The same of the demand before, whose dropped requirements held it back."""
    dropped = set(old.requires or ()) - set(new.requires or ())
    held_back = waiting_for(old, record) if dropped else []
    if any(text.partition(" ")[0] in dropped for text in held_back):
        return 0
    return _rank(old, hash_, result, record)


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """A declaration names the result that was seen, if any; no verdict is by a hidden one."""
    event = proposal.event
    if isinstance(event, VerdictGiven):
        yield from _verdict_problems(event, record)
    if not isinstance(event, CriterionDeclared) or event.supersedes is None:
        return
    strict = demand_in_force(event.criterion, record)
    if strict is None:
        return  # the rule on names says that there is nothing to take the place of
    seen = first_seen(event, strict[0], record)
    if seen == event.seen:
        return
    if seen is None:
        yield "seen: no result on record meets this demand but not the one before; leave it out"
    else:
        position = record.position_of(parse_hash(seen))
        yield (
            f"position {position} meets {_words(event, strict[0])} and did not meet "
            f"{_words(strict[0], event)}: name it in `seen` ({seen})"
        )


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _words(demand: CriterionDeclared, other: CriterionDeclared) -> str:
    """A demand in a few words, with the terms in which another one differs from it."""
    terms = [
        f"{name} {_said(getattr(demand, name))}"
        for name in _TERMS
        if getattr(demand, name) != getattr(other, name)
    ]
    return f"{demand.operator} {demand.threshold}" + (f" ({', '.join(terms)})" if terms else "")


def _verdict_problems(verdict: VerdictGiven, record: Record) -> Iterable[str]:
    """A result from a branch that is older than the demand it meets, and missed the one before."""
    hash_ = parse_hash(verdict.evidence)
    evidence, measured = event_at(hash_, MeasurementTaken, record), record.read(hash_)
    demand = event_at(parse_hash(verdict.declaration), CriterionDeclared, record)
    if evidence is None or measured is None or demand is None or verdict.seen is not None:
        return
    rank, named = _rank(demand, hash_, evidence, record), verdict.declaration
    while demand is not None and demand.supersedes is not None:
        declared = record.read(parse_hash(named))
        named = demand.supersedes
        before = event_at(parse_hash(named), CriterionDeclared, record)
        if declared is None or before is None:
            return
        is_own = measured[0].origin == record.origin
        is_older = (
            measured[1] < declared[1]
            if is_own
            else measured[0].recorded_at < declared[0].recorded_at
        )
        if is_older and before.seen is None and _rank(before, hash_, evidence, record) < rank:
            yield (
                f"position {measured[1]} was measured before the demand moved, and did not meet "
                f"{before.operator} {before.threshold}: measure again"
            )
            return
        demand = before


RULE = Rule(
    name="post_hoc",
    forbids="moving a threshold without naming the result that was seen",
    check=check,
)
