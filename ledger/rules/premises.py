"""Premises are cited claims, and they live only so long.

Whoever cites a claim that was refuted, superseded or has run out is refused until it is tested
again and that test is cited. What is about the claim itself may cite it, of course. A row is not
DISCHARGED while a claim that its declaration or its evidence cites is such a one.
"""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.claim import ClaimTested
from ledger.events.criterion import VerdictGiven
from ledger.events.ledger import NoteAdded
from ledger.events.status import EntryRefuted, Moved
from ledger.rules.base import Facts, Proposal, Record, Rule
from ledger.rules.standing import premise_problem

#: What may speak of a fallen claim: words without weight, and what changes how something stands.
_ABOUT: tuple[type, ...] = (NoteAdded, EntryRefuted, Moved, ClaimTested)


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """No cited claim is refuted, eliminated, superseded, retracted, or past its time."""
    if isinstance(proposal.event, _ABOUT):
        return
    event, cites = proposal.event, proposal.cites
    if isinstance(event, VerdictGiven) and event.status == "DISCHARGED":  # a failure needs none
        cites = with_premises(cites, record)
    yield from fallen_premises(cites, record, proposal.recorded_at)


def with_premises(cites: Iterable[str], record: Facts) -> tuple[str, ...]:
    """What is cited, and what that cites: the premises of a declaration and its evidence."""
    cited = list(cites)
    read = [record.read(parse_hash(one)) for one in cited]
    return tuple(dict.fromkeys([*cited, *(b for found in read if found for b in found[0].cites)]))


def fallen_premises(cites: Iterable[str], record: Facts, now_us: int) -> Iterable[str]:
    """Each claim among these entries on which nothing may be rested at this time, and why."""
    for cited in cites:
        found = record.read(parse_hash(cited))
        problem = premise_problem(*found, record, now_us) if found else None
        if problem is not None:
            yield f"its premise fell: {problem}"


RULE = Rule(name="premises", forbids="resting on a claim that fell or ran out", check=check)
