"""A threshold that moves after a result was seen marks what is judged by it: post hoc.

The declaration that moves it names the result (`seen`): the first on record that meets the new
demand and does not meet the one before. Its verdicts then stand beside the row, and the row keeps
its strict demand and status.
"""

from collections.abc import Iterable

from ledger.entry import format_hash, parse_hash
from ledger.events.criterion import CriterionDeclared
from ledger.events.run import MeasurementTaken
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.comparability import mismatches
from ledger.rules.standing import demand_in_force, event_at
from ledger.rules.verdict import decide


def first_seen(new: CriterionDeclared, old: CriterionDeclared, record: Record) -> str | None:
    """Hash of the first result that discharges the new demand and not the old one; None if none."""
    for hash_, position in record.listed(f"results/{new.metric}"):
        found, result = record.read(hash_), event_at(hash_, MeasurementTaken, record)
        if found is None or result is None or not record.counts(found[0], position):
            continue
        if result.provenance != "synthetic" and _meets(new, result) and not _meets(old, result):
            return format_hash(hash_)
    return None


def _meets(criterion: CriterionDeclared, result: MeasurementTaken) -> bool:
    return not any(mismatches(criterion, result)) and (
        decide(criterion, result)["status"] == "DISCHARGED"
    )


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """A declaration that takes the place of another names the result that was seen, if any."""
    new = proposal.event
    if not isinstance(new, CriterionDeclared) or new.supersedes is None:
        return
    strict = demand_in_force(new.criterion, record)
    if strict is None:
        return  # the rule on names says that there is nothing to take the place of
    seen = first_seen(new, strict[0], record)
    if seen == new.seen:
        return
    if seen is None:
        yield "seen: no result on record meets this demand but not the one before; leave it out"
    else:
        position = record.position_of(parse_hash(seen))
        yield (
            f"position {position} meets {new.operator} {new.threshold} and did not meet "
            f"{strict[0].operator} {strict[0].threshold}: name it in `seen` ({seen})"
        )


RULE = Rule(
    name="post_hoc",
    forbids="moving a threshold without naming the result that was seen",
    check=check,
)
