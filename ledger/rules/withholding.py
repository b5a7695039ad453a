"""What is withheld is a committed value, named by the entries that hold it, and only once.

Evidence stays: a verdict rests on it, and only a commitment was made to be taken away.
"""

from collections.abc import Iterable

from ledger.entry import Entry, parse_hash
from ledger.events import KINDS
from ledger.events.form import references
from ledger.events.redaction import BlobWithheld, commitments_in
from ledger.rules.base import Proposal, Record, Rule


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """Every cited entry holds the commitment, at least one is cited, and none was before."""
    event = proposal.event
    if not isinstance(event, BlobWithheld):
        return
    known = record.standing(f"withheld/{event.blob}")
    if known is not None:
        yield f"{event.blob} is withheld since position {known[2]}"
    if not proposal.cites:
        yield f"it cites no entry that holds {event.blob} as a commitment"
    for cited in proposal.cites:
        found = record.read(parse_hash(cited))
        if found is None:
            continue  # what is not in this ledger is for the rule on citations
        yield from _objections(event.blob, *found)


def _objections(digest: str, entry: Entry, position: int) -> Iterable[str]:
    kind = KINDS.get(entry.kind)
    if kind is not None and digest in references(kind, entry.body, "blob"):
        yield f"{digest} is evidence: position {position} ({entry.kind}) rests on it"
    elif digest not in commitments_in(entry.body):
        yield f"position {position} ({entry.kind}) holds no commitment to {digest}"


RULE = Rule(
    name="withholding",
    forbids="withholding what is no committed value, or is withheld already",
    check=check,
)
