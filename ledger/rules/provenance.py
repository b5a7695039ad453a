"""Only measured numbers, or what derives from them alone, carry a verdict or test a claim."""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.claim import ClaimTested
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.rules.base import Facts, Proposal, Record, Rule
from ledger.rules.standing import event_at
from ledger.rules.support import weaknesses


def unfit(criterion: CriterionDeclared, hash_: bytes, record: Facts) -> Iterable[str]:
    """Why an entry cannot carry a verdict on this criterion, by where its number comes from."""
    yield from weaknesses(hash_, record)
    yield from unmet_terms(criterion, hash_, record)


def unmet_terms(criterion: CriterionDeclared, hash_: bytes, record: Facts) -> Iterable[str]:
    """What a criterion asks of where its evidence comes from, beyond that it was measured."""
    found = record.read(hash_)
    if found is None:
        return
    entry, position = found
    accepted = criterion.provenance
    if accepted is not None and entry.body.get("provenance") not in accepted:
        yield f"position {position} is {entry.body.get('provenance')}, asked for {list(accepted)}"
    cited = [record.read(parse_hash(one)) for one in entry.cites]
    kinds = {one[0].kind for one in cited if one is not None}
    for kind in criterion.rests_on or ():
        if kind not in kinds:
            yield f"position {position} cites no {kind}, which the criterion asks for"


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The evidence of a verdict or of a test is measured, by its run, while it ran."""
    event = proposal.event
    if isinstance(event, VerdictGiven):
        criterion = event_at(parse_hash(event.declaration), CriterionDeclared, record)
        if criterion is not None:
            yield from unfit(criterion, parse_hash(event.evidence), record)
    if isinstance(event, ClaimTested):
        yield from weaknesses(parse_hash(event.evidence), record)
        if event.other_way is not None:
            weak = weaknesses(parse_hash(event.other_way), record)
            yield from (f"other_way: {text}" for text in weak)


RULE = Rule(
    name="provenance", forbids="a verdict or test by a number that was not measured", check=check
)
