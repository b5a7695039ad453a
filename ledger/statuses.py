"""How a row or a claim may move from one status to another: the table, and nothing else.

The rule on moves, the page spec/reference/statuses.md with its diagram, and the hints of refusals
are made from it. SEED: the status vocabulary of the system that this ledger replaces.
"""

from collections.abc import Iterable
from typing import Final, Literal

import attrs

SubjectType = Literal["row", "claim"]
#: The status of what nothing was said of yet.
FIRST: Final[dict[SubjectType, str]] = {"row": "unbound", "claim": "UNKNOWN"}

#: What each status means.
MEANINGS: Final[dict[SubjectType, dict[str, str]]] = {
    "row": {
        "unbound": "declared; nothing was measured for it",
        "PARTIAL": "its falsifier exists and was seen to fail on a planted fault; still blocks",
        "PROVISIONAL": "met, from fewer samples than it asks for; still blocks",
        "DISCHARGED": "met, by measured evidence about what it is bound to",
        "FALSIFIED": "not met, by measured evidence about what it is bound to",
        "DEMOTED": "was discharged; its evidence fell",
        "STALE": "was discharged; a premise of it fell or ran out",
        "BLOCKED": "cannot be measured before something else is done; still blocks",
        "SUPERSEDED": "another row took its place; no way out",
        "RETIRED": "dropped by a decision; no way out",
    },
    "claim": {
        "UNKNOWN": "stated; no attempt to refute it counts yet",
        "SURVIVED": "an attempt that could have refuted it did not",
        "REFUTED": "a measured number contradicts it",
        "ELIMINATED": "refuted as a cause, by a test that is known to come out the other way too",
        "SUPERSEDED": "another claim took its place; no way out",
        "RETRACTED": "withdrawn by whoever stated it; no way out",
    },
}


@attrs.frozen(slots=True, kw_only=True)
class Need:
    """What a move rests on: the kinds of entry that may be cited, and in words what they show."""

    name: str
    kinds: tuple[str, ...]
    words: str


#: Moves that no one states: they follow from numbers.
VERDICT: Final = Need(
    name="verdict",
    kinds=("verdict.given",),
    words="`ledger judge`: live measured evidence about what the row is bound to",
)
TEST: Final = Need(
    name="test",
    kinds=("claim.tested",),
    words="`ledger record claim.tested`: a measured number, and for SURVIVED one that fails",
)
FALSIFIER: Final = Need(
    name="falsifier",
    kinds=("measurement.taken",),
    words="a measurement of the row's metric, on a planted fault, that does not meet the demand",
)
FALLEN: Final = Need(
    name="fallen",
    kinds=("entry.refuted", "run.marked"),
    words="what takes its evidence away: the evidence refuted, or its run marked",
)
PREMISE: Final = Need(
    name="premise",
    kinds=("claim.stated", "claim.tested"),
    words="the claim that it rested on, which is refuted, superseded, retracted or has run out",
)
BLOCKER: Final = Need(
    name="blocker", kinds=("edge.stated",), words="an edge `blocks` that ends at the row"
)
REPLACEMENT: Final = Need(
    name="replacement",
    kinds=("criterion.declared", "claim.stated"),
    words="the declaration or claim that takes its place",
)
DECISION: Final = Need(
    name="decision",
    kinds=("note.added", "contract.added"),
    words="the note or contract that says so",
)
OTHER_WAY: Final = Need(
    name="other way",
    kinds=("claim.tested",),
    words="a test that refuted it, with a measurement on which it comes out the other way",
)
EVERY_MEMBER: Final = Need(
    name="every member",
    kinds=("claim.tested",),
    words="its last test; each member of its set has survived one",
)
NEEDS: Final = (
    VERDICT, TEST, FALSIFIER, FALLEN, PREMISE, BLOCKER, REPLACEMENT, DECISION, OTHER_WAY,
    EVERY_MEMBER,
)  # fmt: skip


@attrs.frozen(slots=True, kw_only=True)
class Move:
    """One legal move."""

    subject_type: SubjectType
    from_status: str
    to_status: str
    need: Need


def _moves(subject_type: SubjectType, origins: str, targets: str, need: Need) -> Iterable[Move]:
    """A move from each of `origins` to each of `targets`, names in one text."""
    for from_status in origins.split():
        for to_status in targets.split():
            if from_status != to_status:
                yield Move(
                    subject_type=subject_type,
                    from_status=from_status,
                    to_status=to_status,
                    need=need,
                )


_ALIVE = "unbound PARTIAL PROVISIONAL DISCHARGED FALSIFIED DEMOTED STALE BLOCKED"
_OPEN = "unbound PARTIAL PROVISIONAL FALSIFIED DEMOTED STALE"
_CLAIMED = "UNKNOWN SURVIVED REFUTED ELIMINATED"

MOVES: Final[tuple[Move, ...]] = (
    *_moves("row", "unbound BLOCKED", "PARTIAL", FALSIFIER),
    *_moves("row", _ALIVE, "DISCHARGED FALSIFIED PROVISIONAL", VERDICT),
    *_moves("row", "DISCHARGED PROVISIONAL", "DEMOTED", FALLEN),
    *_moves("row", "DISCHARGED PROVISIONAL", "STALE", PREMISE),
    *_moves("row", _OPEN, "BLOCKED", BLOCKER),
    *_moves("row", _ALIVE, "SUPERSEDED", REPLACEMENT),
    *_moves("row", _ALIVE, "RETIRED", DECISION),
    *_moves("claim", "UNKNOWN SURVIVED", "REFUTED", TEST),
    *_moves("claim", "UNKNOWN", "SURVIVED", TEST),
    *_moves("claim", "UNKNOWN", "SURVIVED", EVERY_MEMBER),
    *_moves("claim", "REFUTED", "ELIMINATED", OTHER_WAY),
    *_moves("claim", "SURVIVED REFUTED ELIMINATED", "UNKNOWN", FALLEN),
    *_moves("claim", _CLAIMED, "SUPERSEDED", REPLACEMENT),
    *_moves("claim", _CLAIMED, "RETRACTED", DECISION),
)

#: Statuses in which shipping does not wait for a blocking row: what took the place of a superseded
#: one is a row itself, and only a person retires a blocking one.
MET: Final = ("DISCHARGED", "SUPERSEDED", "RETIRED")
#: Fates of a claim on which nothing may be rested.
FALLEN_FATES: Final = ("REFUTED", "ELIMINATED", "SUPERSEDED", "RETRACTED")


def legal_moves(subject_type: str, from_status: str) -> tuple[Move, ...]:
    """The moves out of a status."""
    return tuple(
        move
        for move in MOVES
        if move.subject_type == subject_type and move.from_status == from_status
    )
