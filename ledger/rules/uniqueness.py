"""A name is given once: declaring it again would change the meaning of what cites it."""

from collections.abc import Iterable

from ledger.events.criterion import CriterionDeclared
from ledger.events.ledger import ClaimStated, LedgerCreated
from ledger.rules.base import Proposal, Record, Rule


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """No second declaration of a criterion, no second statement of a claim, one beginning."""
    event = proposal.event
    if isinstance(event, CriterionDeclared):
        known = record.standing(f"criterion/{event.criterion}")
        if known is not None:
            yield (
                f"{event.criterion} was declared at position {known[2]}; its threshold stays in "
                "force. Declare a criterion of another name"
            )
    if isinstance(event, ClaimStated):
        known = record.standing(f"claim/{event.claim}")
        if known is not None:
            yield f"{event.claim} was stated at position {known[2]}; choose another name"
    if isinstance(event, LedgerCreated) and record.standing("ledger") is not None:
        yield "this ledger has its first entry already"


RULE = Rule(name="uniqueness", forbids="declaring one name twice", check=check)
