"""The checks that need the record: heads, and everything that the rules would refuse."""

from collections.abc import Iterator
from typing import Final

from ledger.contracts.base import Document, Finding, Surroundings
from ledger.contracts.plan import Change, plan, versions_on_record
from ledger.draft import Framer
from ledger.events.criterion import CriterionDeclared
from ledger.foresight import Foresight
from ledger.rules import Proposal, reasons_against
from ledger.rules.standing import event_at
from ledger.state import State

HEADS: Final = "heads"
RULES: Final = "rules"
#: What other checks say already, by what it is about.
_SAID: Final = {
    "contract": "uniqueness: ",
    "constant": "constants: ",
    "row": "requirements: a circle",
}


def find_heads(document: Document, around: Surroundings) -> Iterator[Finding]:
    """A version that is on record, a fork, and rows of other contracts."""
    record, metadata = around.record, document.metadata
    if record is None or metadata is None or "contract" in metadata.stand_ins:
        return
    name, version = metadata.value.contract, metadata.value.version
    versions = list(versions_on_record(name, record))
    for known, position in versions:
        if known.version == version:
            text = f"{name} {version} was added at position {position}; give it a new version"
            yield document.finding(HEADS, metadata.at("version"), text)
    wanted = metadata.value.supersedes
    if wanted is not None and wanted != (head := versions[0][0].version if versions else None):
        stands = f"{head} is in force" if head else f"there is no {name} on record"
        text = f"two heads: it supersedes {wanted}, but {stands}"
        yield document.finding(HEADS, metadata.at("supersedes"), text)
    for row in document.rows:
        standing = record.standing(f"criterion/{row.value.name}")
        declared = event_at(standing[1], CriterionDeclared, record) if standing else None
        of = (declared.contract if declared else None) or name  # one declared by hand is taken over
        if standing is not None and of.partition("@")[0] != name:
            where = f"{of} (position {standing[2]})"
            text = f"{row.value.name} is a row of {where}: one row, one contract"
            yield document.finding(HEADS, row.at("name"), text)


def find_refusals(document: Document, around: Surroundings) -> Iterator[Finding]:
    """What a rule has against what would be recorded."""
    if around.record is None:
        return
    places = {
        **{("row", row.value.name): row.at("name") for row in document.rows},
        **{("constant", one.value.name): one.at("name") for one in document.constants},
    }
    changes = plan(document, around.record)
    for change, reason in refusals(changes, around.record, around):
        at = places.get((change.what, change.name))
        if at is None and document.metadata is not None:
            at = document.metadata.at("contract")
        said = _SAID.get(change.what)
        if at is not None and not (said is not None and reason.startswith(said)):
            yield document.finding(RULES, at, f"{change.name}: {reason}")


def refusals(
    changes: list[Change], record: State, around: Surroundings
) -> Iterator[tuple[Change, str]]:
    """Each reason that a rule has against a change, asked as the recorder would ask it."""
    foresight = Foresight(record, record.cursor.position)
    framer = Framer(record.origin)
    versions: dict[str, int] = {}
    for change in changes:
        if change.draft is None:
            continue
        sound = framer.check(change.draft, around.actor)
        stream = sound.frame.stream
        version = versions.get(stream, record.next_version(record.origin, stream))
        versions[stream] = version + 1
        proposal = Proposal(
            event=change.draft.event,
            actor=around.actor,
            cites=change.draft.cites,
            recorded_at=around.now_us,
        )
        for reason in reasons_against(proposal, foresight.on(None)):
            yield change, reason
        entry = sound.frame.format(sound.body, around.now_us, version)
        foresight.add(entry, change.draft.event, None)
