"""Citations resolve when they are made: nothing rests on what the ledger does not have."""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.form import body_of, references
from ledger.rules.base import Proposal, Record, Rule


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """Every cited hash, in `cites` and in the body, is an entry of this ledger."""
    named = references(proposal.event.KIND, body_of(proposal.event), "entry")
    for cited in dict.fromkeys((*proposal.cites, *named)):
        if record.position_of(parse_hash(cited)) is None:
            yield f"it cites {cited}, which is not in this ledger"


RULE = Rule(name="citations", forbids="citing what the ledger does not have", check=check)
