"""A name is given once: giving it again would change the meaning of what cites it.

A criterion and a contract may be declared anew, by naming the head that they take the place of; two
heads of one name there are never. A row keeps its model, and once it was measured, what it is
about; it stays blocking unless a person says otherwise.
"""

from collections.abc import Iterable

from ledger.entry import format_hash, parse_hash
from ledger.events.artifact import ArtifactMade
from ledger.events.claim import ClaimStated, EdgeStated, MemberAdded
from ledger.events.contract import ConstantDeclared, ContractAdded
from ledger.events.criterion import CriterionDeclared
from ledger.events.ledger import LedgerCreated
from ledger.events.run import MeasurementTaken
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.comparability import mismatches
from ledger.rules.demands import other_subject
from ledger.rules.standing import demand_in_force, event_at, is_refuted, row_status
from ledger.statuses import legal_moves


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """No second claim, edge, constant, artifact or member of one name; one head; one beginning."""
    event = proposal.event
    if isinstance(event, CriterionDeclared):
        yield from _criterion_problems(event, record)
        yield from _meaning_problems(event, proposal.actor, record)
    if isinstance(event, ContractAdded):
        yield from _contract_problems(event, record)
    if isinstance(event, ClaimStated):
        known = record.standing(f"claim/{event.claim}")
        if known is not None:
            yield f"{event.claim} was stated at position {known[2]}; choose another name"
    for kind, key, what in (
        (EdgeStated, "edge/{0.edge}", "stated"),
        (ConstantDeclared, "constant/{0.constant}", "declared"),
        (ArtifactMade, "artifact/{0.artifact}", "made"),
        (MemberAdded, "member/{0.set}/{0.member}", "added"),
    ):
        known = record.standing(key.format(event)) if isinstance(event, kind) else None
        if known is not None:
            name = key.format(event).rpartition("/")[2]
            yield f"{name} was {what} at position {known[2]}; choose another name"
    if isinstance(event, LedgerCreated) and record.standing("ledger") is not None:
        yield "this ledger has its first entry already"


def _criterion_problems(event: CriterionDeclared, record: Record) -> Iterable[str]:
    known = record.standing(f"criterion/{event.criterion}")
    if known is not None:
        head = format_hash(known[1])
        if event.supersedes is None:
            yield (
                f"{event.criterion} was declared at position {known[2]}; its threshold stays in "
                f"force. Name it in `supersedes` ({head}), or declare a criterion of another name"
            )
        elif event.supersedes != head:
            yield f"two heads: {event.criterion} is at position {known[2]} by now ({head})"
        if not legal_moves("row", row_status(event.criterion, record)):
            yield f"{event.criterion} is {row_status(event.criterion, record)}, for good"
    for name in (event.criterion, *(event.aliases or ())):
        alias = record.standing(f"alias/{name}")
        if alias is not None and alias[0] != event.criterion:
            yield f"{name} is an alias of {alias[0]} since position {alias[2]}"
    for name in event.aliases or ():
        row = record.standing(f"criterion/{name}")
        if row is not None:
            yield f"{name} is a row of its own since position {row[2]}"


def _meaning_problems(event: CriterionDeclared, actor: str, record: Record) -> Iterable[str]:
    """What a row means does not change under its name."""
    known = demand_in_force(event.criterion, record)
    if known is None or event.supersedes is None:
        return
    old = known[0]
    if old.model is not None and event.model != old.model:
        yield f"{event.criterion} is listed under {old.model}, for good, not under {event.model}"
    if old.blocking and not event.blocking and not actor.startswith("human:"):
        yield f"{event.criterion} is blocking: only a person changes that, not {actor}"
    other, at = other_subject(event, old), _measured_at(old, record)
    if other and at is not None:
        yield (
            f"{event.criterion} was measured at position {at}: with another {', '.join(other)} it "
            "is another row; declare one of another name"
        )


def _measured_at(demand: CriterionDeclared, record: Record) -> int | None:
    """Position of the first result about what a row is about; None where there is none."""
    for hash_, position in record.listed(f"results/{demand.metric}"):
        result = event_at(hash_, MeasurementTaken, record)
        if result is None or result.provenance == "synthetic" or is_refuted(hash_, record):
            continue
        if not any(mismatches(demand, result)):
            return position
    return None


def _contract_problems(event: ContractAdded, record: Record) -> Iterable[str]:
    known = record.standing(f"contract/{event.contract}")
    if known is None:
        if event.supersedes is not None:
            yield f"there is no contract {event.contract} to take the place of"
        return
    head = format_hash(known[1])
    version: ContractAdded | None = event_at(known[1], ContractAdded, record)
    at: int | None = known[2]
    while version is not None:
        if version.version == event.version:
            yield f"{event.contract} {event.version} was added at position {at}"
        before = parse_hash(version.supersedes) if version.supersedes else None
        at = record.position_of(before) if before else None
        version = event_at(before, ContractAdded, record) if before else None
    if event.supersedes != head:
        yield f"two heads: {event.contract} {known[0]} is in force; `supersedes` names it ({head})"


RULE = Rule(name="uniqueness", forbids="giving one name twice", check=check)
