"""How rows, claims and entries stand: the questions that several rules ask."""

from typing import Any, Final, TypeVar

from ledger.entry import Entry, format_hash, parse_hash
from ledger.events.base import Event
from ledger.events.criterion import CriterionDeclared
from ledger.ids import qualify
from ledger.rules.base import Facts
from ledger.statuses import FALLEN_FATES, FIRST

E = TypeVar("E", bound=Event)
#: How many citations deep foundations are followed.
_DEPTH: Final = 16


def event_at(hash_: bytes, kind: type[E], record: Facts) -> E | None:
    """The event with this hash, where it is of this kind."""
    event = record.event(hash_)
    return event if isinstance(event, kind) else None


def demand_in_force(row: str, record: Facts) -> tuple[CriterionDeclared, bytes] | None:
    """The latest declaration of a row that no result was seen before, with its hash."""
    known = record.standing(f"demand/{row}")
    event = event_at(known[1], CriterionDeclared, record) if known else None
    return (event, known[1]) if known is not None and event is not None else None


def row_status(row: str, record: Facts) -> str:
    """The status of a row: the latest on record."""
    known = record.standing(f"verdict/{row}")
    return known[0] if known else FIRST["row"]


def claim_fate(claim: str, record: Facts) -> str:
    """The fate of a claim. One over a set is UNKNOWN again when the set has a new member."""
    known = record.standing(f"fate/{claim}")
    if known is None:
        return FIRST["claim"]
    latest = _latest_member(claim, record)
    is_over_all = known[0] in ("SURVIVED", "ELIMINATED")
    return FIRST["claim"] if is_over_all and latest > known[2] else known[0]


def _latest_member(claim: str, record: Facts) -> int:
    """Position at which the set that a claim speaks of was last added to; -1 where it has none."""
    stated = record.standing(f"claim/{claim}")
    found = record.read(stated[1]) if stated else None
    over = found[0].body.get("over") if found else None
    added = record.standing(f"set/{over}") if over else None
    return added[2] if added else -1


def roots(hash_: bytes, record: Facts) -> dict[bytes, Entry]:
    """An entry and all that it rests on, over `_DEPTH` citations."""
    found: dict[bytes, Entry] = {}
    layer = [hash_]
    for _ in range(_DEPTH):
        read = {h: known[0] for h in layer if h not in found and (known := record.read(h))}
        found |= read
        layer = [parse_hash(cited) for entry in read.values() for cited in entry.cites]
    return found


def taken_away(hash_: bytes, record: Facts) -> list[str]:
    """What of an entry's foundations was refuted, or measured by a run that was marked since."""
    found = []
    for root, entry in roots(hash_, record).items():
        if is_refuted(root, record):
            found.append(f"{entry.kind} {format_hash(root)[:19]}… was refuted")
        run = qualify(str(entry.body.get("run")), entry.origin, record.origin)
        mark = record.standing(f"mark/{run}")
        if mark is not None and mark[0] != "SOUND":
            found.append(f"run {run} was marked {mark[0]} at position {mark[2]}")
    return list(dict.fromkeys(found))


def is_refuted(hash_: bytes, record: Facts) -> bool:
    """Whether an entry was refuted."""
    return record.standing(f"refuted/{format_hash(hash_)}") is not None


def premise_problem(entry: Entry, position: int, record: Facts, now_us: int) -> str | None:
    """Why nothing may be rested on this entry, where it states or tests a claim; else None."""
    if entry.kind not in ("claim.stated", "claim.tested"):
        return None
    claim = qualify(str(entry.body.get("claim")), entry.origin, record.origin)
    fate = claim_fate(claim, record)
    if fate in FALLEN_FATES:
        return f"{claim} (position {position}) is {fate}"
    latest = _latest_checked(claim, entry, record)
    expires_at = latest.get("expires_at")
    if isinstance(expires_at, int) and expires_at < now_us:
        return (
            f"{claim} (position {position}) ran out {(now_us - expires_at) // 86_400_000_000} days "
            "ago: test it again, then cite the test"
        )
    return None


def _latest_checked(claim: str, entry: Entry, record: Facts) -> dict[str, Any]:
    """The body of the statement or test that says how long the claim lives."""
    fate = record.standing(f"fate/{claim}")
    found = record.read(fate[1]) if fate else None
    is_test = found is not None and found[0].kind == "claim.tested"
    return found[0].body if found is not None and is_test else entry.body
