"""An entry is refuted by a number or a test, never by words; what was refuted carries nothing.

Everything that rests on a refuted entry is suspect until it is judged again: `ledger impact` lists
it, the board marks it, the audit says which verdicts it takes away.
"""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.ledger import NoteAdded
from ledger.events.run import MeasurementTaken
from ledger.events.status import EntryRefuted, Moved, RunMarked
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import event_at, is_refuted, roots
from ledger.rules.support import weaknesses

#: What a refutation may go by besides a measured number.
_FINDINGS = ("claim.tested", "run.marked", "verdict.given")


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """A refutation is supported; nothing new rests on what was refuted."""
    event = proposal.event
    named = set()
    if isinstance(event, EntryRefuted):
        yield from _refutation_problems(event, record)
        named = {event.entry, event.evidence}
    elif isinstance(event, (Moved, NoteAdded)):
        return
    for cited in proposal.cites:
        if cited not in named and is_refuted(parse_hash(cited), record):
            yield (
                f"it rests on {cited[:19]}… (position {record.position_of(parse_hash(cited))}), "
                "which was refuted"
            )


def _refutation_problems(event: EntryRefuted, record: Record) -> Iterable[str]:
    entry, evidence = parse_hash(event.entry), parse_hash(event.evidence)
    if event.entry == event.evidence:
        yield "an entry does not refute itself"
    if is_refuted(entry, record):
        yield f"{event.entry[:19]}… is refuted already"
    found = record.read(evidence)
    if found is None:
        return  # the rule on citations says so
    if found[0].kind not in _FINDINGS:
        yield from weaknesses(evidence, record)
        yield from _repetition_problems(entry, evidence, record)
    elif is_refuted(evidence, record):
        yield f"its evidence (position {found[1]}) was refuted itself"
    mark = event_at(evidence, RunMarked, record)
    if mark is not None:
        runs = {root.body.get("run") for root in roots(entry, record).values()}
        known = record.standing(f"mark/{mark.run}")
        if mark.run not in runs:
            yield f"it does not rest on run {mark.run}, which was marked"
        elif known is None or known[0] == "SOUND":
            yield f"run {mark.run} is sound"


def _repetition_problems(entry: bytes, evidence: bytes, record: Record) -> Iterable[str]:
    """The same thing measured: another number, and measured again."""
    one, other = (event_at(hash_, MeasurementTaken, record) for hash_ in (entry, evidence))
    if one is None or other is None or entry == evidence:
        return
    if (one.metric, one.unit, one.key) != (other.metric, other.unit, other.key):
        return
    before, after = record.position_of(entry), record.position_of(evidence)
    if one.value == other.value:
        yield f"position {after} measured the same number again: that refutes nothing"
    elif before is not None and after is not None and after < before:
        yield f"position {after} is the older of two such numbers: measure again"


RULE = Rule(
    name="refutation", forbids="refuting by words, resting on what was refuted", check=check
)
