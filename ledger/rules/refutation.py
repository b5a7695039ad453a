"""An entry is refuted by a number or a test, never by words; what was refuted carries nothing.

Everything that rests on a refuted entry is suspect until it is judged again: `ledger impact` lists
it, the board marks it, the audit says which verdicts it takes away.
"""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.ledger import NoteAdded
from ledger.events.status import EntryRefuted, Moved
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import is_refuted
from ledger.rules.support import weaknesses

#: What a refutation may go by besides a measured number.
_FINDINGS = ("claim.tested", "run.marked", "verdict.given")


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """A refutation is supported; nothing new rests on what was refuted."""
    event = proposal.event
    if isinstance(event, EntryRefuted):
        if event.entry == event.evidence:
            yield "an entry does not refute itself"
        if is_refuted(parse_hash(event.entry), record):
            yield f"{event.entry[:19]}… is refuted already"
        found = record.read(parse_hash(event.evidence))
        if found is not None and found[0].kind not in _FINDINGS:
            yield from weaknesses(parse_hash(event.evidence), record)
        named = {event.entry}
    elif isinstance(event, (Moved, NoteAdded)):
        return
    else:
        named = set()
    for cited in proposal.cites:
        if cited not in named and is_refuted(parse_hash(cited), record):
            yield (
                f"it rests on {cited[:19]}… (position {record.position_of(parse_hash(cited))}), "
                "which was refuted"
            )


RULE = Rule(
    name="refutation", forbids="refuting by words, resting on what was refuted", check=check
)
