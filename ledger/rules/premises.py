"""Premises are cited claims, and they live only so long.

Whoever cites a claim that was refuted, superseded or has run out is refused until it is tested
again and that test is cited. What is about the claim itself may cite it, of course.
"""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.claim import ClaimTested
from ledger.events.criterion import VerdictGiven
from ledger.events.ledger import NoteAdded
from ledger.events.status import EntryRefuted, Moved
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import premise_problem

#: What may speak of a fallen claim: words without weight, and what changes how something stands.
_ABOUT: tuple[type, ...] = (NoteAdded, EntryRefuted, Moved, ClaimTested)


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """No cited claim is refuted, eliminated, superseded, retracted, or past its time."""
    if isinstance(proposal.event, _ABOUT):
        return
    for cited in _rests_on(proposal, record):
        found = record.read(parse_hash(cited))
        problem = premise_problem(*found, record, proposal.recorded_at) if found else None
        if problem is not None:
            yield f"its premise fell: {problem}"


def _rests_on(proposal: Proposal, record: Record) -> Iterable[str]:
    """What is cited; of a verdict also what its declaration and evidence cite as their premises."""
    cited = list(proposal.cites)
    if isinstance(proposal.event, VerdictGiven):
        named = [record.read(parse_hash(one)) for one in proposal.cites]
        cited += [below for found in named if found for below in found[0].cites]
    return dict.fromkeys(cited)


RULE = Rule(name="premises", forbids="resting on a claim that fell or ran out", check=check)
