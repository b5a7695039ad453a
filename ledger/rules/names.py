"""Names resolve when they are used: to a row, a claim, a run, a set or an artifact on record.

A document can then print the title beside every id, and a swapped number is seen.
"""

import difflib
from collections.abc import Callable, Iterable
from typing import Any, Final

from ledger.events.artifact import ArtifactMade, ArtifactPublished
from ledger.events.base import Event
from ledger.events.claim import ClaimTested, EdgeStated
from ledger.events.contract import ContractAdded
from ledger.events.criterion import CriterionDeclared
from ledger.events.status import ClaimMoved, RowMoved, RunMarked
from ledger.rules.base import Proposal, Record, Rule

#: Keys of the standings that a name may resolve to, by what it is.
_ROOMS: Final = {
    "row": ("criterion",),
    "claim": ("claim",),
    "row or claim": ("criterion", "claim"),
    "run": ("run",),
    "artifact": ("artifact",),
}


def _criterion(event: Any) -> Iterable[tuple[str, str]]:  # noqa: ANN401 - see `_NAMED`
    yield from (("row", row) for row in event.requires or ())
    if event.supersedes is not None:
        yield "row", event.criterion


#: What each kind of event names: (what it is, its name).
_NAMED: Final[dict[type[Event], Callable[[Any], Iterable[tuple[str, str]]]]] = {
    CriterionDeclared: _criterion,
    ClaimTested: lambda event: [("claim", event.claim)],
    RowMoved: lambda event: [("row", event.subject)],
    ClaimMoved: lambda event: [("claim", event.subject)],
    EdgeStated: lambda event: [
        ("row or claim", event.from_name),
        ("row or claim", event.to_name),
        ("claim", event.claim),
    ],
    RunMarked: lambda event: [("run", event.run)],
    ArtifactMade: lambda event: [("run", event.run)],
    ArtifactPublished: lambda event: [("artifact", event.artifact)],
    ContractAdded: lambda event: [("row", row) for row in event.rows],
}


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """Every name that the event uses is one that the record gave."""
    named = _NAMED.get(type(proposal.event))
    for what, name in named(proposal.event) if named else ():
        if all(record.standing(f"{room}/{name}") is None for room in _ROOMS[what]):
            yield f"there is no {what} {name} on record{_hint(what, name, record)}"


def _hint(what: str, name: str, record: Record) -> str:
    """What may have been meant: the row of an alias, or the nearest names."""
    alias = record.standing(f"alias/{name}") if "row" in what else None
    if alias is not None:
        return f"; {name} is an alias of {alias[0]}: name the row itself"
    known = [one for room in _ROOMS[what] for one in record.names(room)]
    near = difflib.get_close_matches(name, dict.fromkeys(known), n=3, cutoff=0.6)
    return f": did you mean {' or '.join(near)}?" if near else ""


RULE = Rule(
    name="names", forbids="naming a row, claim, run or artifact that is not there", check=check
)
