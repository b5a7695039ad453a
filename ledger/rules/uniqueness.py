"""A name is given once: giving it again would change the meaning of what cites it.

A criterion and a contract may be declared anew, by naming the head that they take the place of; two
heads of one name there are never.
"""

from collections.abc import Iterable

from ledger.entry import format_hash
from ledger.events.artifact import ArtifactMade
from ledger.events.claim import ClaimStated, EdgeStated, MemberAdded
from ledger.events.contract import ConstantDeclared, ContractAdded
from ledger.events.criterion import CriterionDeclared
from ledger.events.ledger import LedgerCreated
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import row_status
from ledger.statuses import legal_moves


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """No second claim, edge, constant, artifact or member of one name; one head; one beginning."""
    event = proposal.event
    if isinstance(event, CriterionDeclared):
        yield from _criterion_problems(event, record)
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


def _contract_problems(event: ContractAdded, record: Record) -> Iterable[str]:
    known = record.standing(f"contract/{event.contract}")
    if known is None:
        if event.supersedes is not None:
            yield f"there is no contract {event.contract} to take the place of"
        return
    head = format_hash(known[1])
    if known[0] == event.version:
        yield f"{event.contract} {event.version} was added at position {known[2]}"
    if event.supersedes != head:
        yield f"two heads: {event.contract} {known[0]} is in force; `supersedes` names it ({head})"


RULE = Rule(name="uniqueness", forbids="giving one name twice", check=check)
