"""What adding a file would record: what is new, what moves, what stays, what is no longer named."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import attrs

from ledger import canonical, ids
from ledger.contracts.base import Document, Located
from ledger.contracts.demands import constant_event, in_order, is_whole, row_event
from ledger.contracts.schema import Constant, Metadata, Row
from ledger.draft import Draft
from ledger.entry import format_hash
from ledger.errors import Malformed
from ledger.events.base import Event
from ledger.events.contract import ConstantDeclared, ContractAdded
from ledger.events.criterion import CriterionDeclared
from ledger.events.form import body_of, check_event
from ledger.rules.post_hoc import first_seen
from ledger.rules.standing import demand_in_force, event_at

if TYPE_CHECKING:
    from ledger.rules.base import Record

What = Literal["constant", "row", "contract"]
#: What can happen to a part of a contract, and what that means.
CHANGES: Final = {
    "declared": "it is new",
    "unchanged": "it is on record as the file has it; nothing is recorded",
    "restated": "its demand stays, something else about it changes",
    "moved": "its demand changes before any result that would tell the two apart",
    "post hoc": "its demand changes after a result that meets it and did not meet the one before",
    "left out": "the version before had it; it stays on the board until it is moved",
}
#: What a demand is; the rest of a declaration is about it.
_DEMAND: Final = ("metric", "operator", "threshold", "unit", "noise")
_NUMBERS: Final = ("threshold", "noise", "control_low", "control_high")
_HISTORY: Final = ("contract", "supersedes", "seen")


@attrs.frozen(slots=True, kw_only=True)
class Change:
    """What happens to one part of a contract. `draft` is what is recorded of it, if anything."""

    what: What
    name: str
    change: str
    before: str | None = None
    now: str | None = None
    seen: int | None = None
    """Position of the result that was seen."""
    draft: Draft | None = None


def plan(document: Document, record: "Record") -> list[Change]:
    """What adding a file would record, in this order.

    Parts that are not sound are left out; of a file with findings, this is what can be said.
    """
    rows = [
        row
        for row in document.rows
        if is_whole(document, row) and is_sound(row_event(document, row.value), row.value.cites)
    ]
    unsound = {one.value for one in document.names} - {row.value.name for row in rows}
    changes = [
        *(_constant(one.value, record) for one in document.constants if not one.stand_ins),
        *(_row(document, row, record) for row in in_order(rows, unsound)),
    ]
    if document.metadata is not None and not document.metadata.stand_ins:
        declared = {one.name for one in changes if one.what == "row"}
        has_all = {one.value for one in document.names} == declared
        changes += _contract(document, document.metadata.value, record, has_all=has_all)
    return changes


def is_sound(event: Event, cites: tuple[str, ...] = ()) -> bool:
    """Whether the form of an event, and of what is cited for it, is right."""
    if not all(map(ids.is_hash, cites)):
        return False
    try:
        check_event(event)
    except Malformed:
        return False
    return True


def _constant(constant: Constant, record: "Record") -> Change:
    event = constant_event(constant)
    known = constant_on_record(constant.name, record)
    return Change(
        what="constant",
        name=constant.name,
        change="declared" if known is None else "unchanged",
        now=constant_text(event),
        draft=Draft(event=event) if known is None and is_sound(event) else None,
    )


def constant_on_record(name: str, record: "Record") -> tuple[ConstantDeclared, int] | None:
    """A constant as it was declared, and where."""
    known = record.standing(f"constant/{name}")
    event = event_at(known[1], ConstantDeclared, record) if known else None
    return (event, known[2]) if known is not None and event is not None else None


def constant_text(event: ConstantDeclared) -> str:
    """A constant in words."""
    return f"{event.formula} = {event.value} {event.unit}"


def _row(document: Document, row: Located[Row], record: "Record") -> Change:
    new = row_event(document, row.value)
    known = record.standing(f"criterion/{new.criterion}")
    head = event_at(known[1], CriterionDeclared, record) if known else None
    strict = demand_in_force(new.criterion, record)
    cites = row.value.cites
    if known is None or head is None or strict is None:
        return Change(
            what="row",
            name=new.criterion,
            change="declared",
            now=demand_text(new),
            draft=Draft(event=new, cites=cites),
        )
    found = record.read(known[1])
    if _says_the_same(new, head) and found is not None and set(cites) <= set(found[0].cites):
        return Change(what="row", name=new.criterion, change="unchanged", now=demand_text(new))
    seen = first_seen(new, strict[0], record)
    moves = any(getattr(new, field) != getattr(head, field) for field in _DEMAND)
    event = attrs.evolve(cast("Any", new), supersedes=format_hash(known[1]), seen=seen)
    return Change(
        what="row",
        name=new.criterion,
        change="post hoc" if seen else "moved" if moves else "restated",
        before=demand_text(head if seen is None else strict[0]),
        now=demand_text(new),
        seen=record.position_of(bytes.fromhex(seen.removeprefix(ids.HASH_PREFIX)))
        if seen
        else None,
        draft=Draft(event=event, cites=cites),
    )


def demand_text(event: CriterionDeclared) -> str:
    """A demand in one line."""
    threshold = canonical.encode(event.threshold).decode()
    words = [event.metric, event.operator, threshold, event.unit]
    allowance = f" (noise {event.noise})" if event.noise is not None else ""
    return " ".join(word for word in words if word is not None) + allowance


def _says_the_same(new: CriterionDeclared, head: CriterionDeclared) -> bool:
    """Whether two declarations are the same but for the version that they came in with."""
    return _compared(new) == _compared(head)


def _compared(event: CriterionDeclared) -> bytes:
    body = {name: value for name, value in body_of(event).items() if name not in _HISTORY}
    for name in _NUMBERS:  # 3 and 3.0 are one number; true and 1 are not
        if isinstance(body[name], int) and not isinstance(body[name], bool):
            body[name] = float(body[name])
    return canonical.encode(body)


def _contract(
    document: Document, metadata: Metadata, record: "Record", *, has_all: bool
) -> Iterator[Change]:
    known = record.standing(f"contract/{metadata.contract}")
    head = event_at(known[1], ContractAdded, record) if known else None
    names = tuple(one.value for one in document.names)
    for name in (row for row in (head.rows if head else ()) if row not in names):
        yield Change(what="row", name=name, change="left out")
    event = ContractAdded(
        contract=metadata.contract,
        version=metadata.version,
        title=metadata.title,
        model=metadata.model,
        file=ids.HASH_PREFIX + hashlib.sha256(document.data).hexdigest(),
        rows=names,
        supersedes=format_hash(known[1]) if known else None,
    )
    is_good = has_all and is_sound(event, metadata.cites)
    yield Change(
        what="contract",
        name=metadata.contract,
        change="declared" if head is None else "moved",
        before=head.version if head else None,
        now=metadata.version,
        draft=Draft(event=event, cites=metadata.cites) if is_good else None,
    )


def versions_on_record(contract: str, record: "Record") -> Iterator[tuple[ContractAdded, int]]:
    """Every version of a contract with its position, the one in force first."""
    known = record.standing(f"contract/{contract}")
    hash_ = known[1] if known else None
    while hash_ is not None:
        event, position = event_at(hash_, ContractAdded, record), record.position_of(hash_)
        if event is None or position is None:
            return
        yield event, position
        before = event.supersedes
        hash_ = bytes.fromhex(before.removeprefix(ids.HASH_PREFIX)) if before else None
