"""What the moves of rows and claims rest on: for each need of `ledger.statuses`, what is asked.

Asked of the entry that a move cites, by the name of its need. Verdicts and tests are not here:
those moves are not typed.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import attrs

from ledger.entry import Entry, parse_hash
from ledger.events.claim import ClaimStated, ClaimTested, EdgeStated
from ledger.events.criterion import CriterionDeclared
from ledger.events.run import MeasurementTaken
from ledger.events.status import EntryRefuted, Moved, RowMoved, RunMarked
from ledger.rules.base import Record
from ledger.rules.comparability import mismatches
from ledger.rules.demands import asks_less, other_subject
from ledger.rules.post_hoc import first_seen
from ledger.rules.standing import (
    claim_fate,
    demand_in_force,
    event_at,
    is_refuted,
    premise_problem,
    roots,
    row_status,
    taken_away,
)
from ledger.rules.support import weaknesses
from ledger.rules.threshold import is_comparable
from ledger.rules.verdict import meets
from ledger.statuses import FALLEN_FATES, SubjectType, legal_moves


@attrs.frozen(slots=True, kw_only=True)
class Cited:
    """A move, who makes it when, and the entry that it cites with its hash and position."""

    move: Moved
    actor: str
    now_us: int
    entry: Entry
    hash: bytes
    position: int


Asked = Callable[[Cited, Record], Iterable[str]]


def subject_type(event: Moved) -> SubjectType:
    """What moves: a row or a claim."""
    return "row" if isinstance(event, RowMoved) else "claim"


def _falsifier(cited: Cited, record: Record) -> Iterable[str]:
    known = demand_in_force(cited.move.subject, record)
    result = event_at(cited.hash, MeasurementTaken, record)
    if known is None or result is None:
        return
    criterion = known[0]
    if criterion.test is None:
        yield f"{cited.move.subject} names no test: declare how it is tested"
    yield from weaknesses(cited.hash, record)
    if (result.metric, result.unit) != (criterion.metric, criterion.unit):
        yield from mismatches(attrs.evolve(cast("Any", criterion), binding={}), result)
    elif not is_comparable(result.value, criterion.threshold):
        yield f"{result.value} cannot be held against {criterion.threshold}"
    elif meets(criterion, result):
        yield f"position {cited.position} meets the demand: it does not show that the test can fail"


def _fallen(cited: Cited, record: Record) -> Iterable[str]:
    """The refuted entry, or the marked run, is one that the latest verdict or test rests on."""
    subject, reason = cited.move.subject, record.event(cited.hash)
    rests_on = _foundations(cited.move, record)
    if isinstance(reason, EntryRefuted) and parse_hash(reason.entry) not in rests_on:
        yield f"position {cited.position} refutes something that {subject} does not rest on"
    if isinstance(reason, RunMarked):
        runs = {entry.body.get("run") for entry in rests_on.values()}
        mark = record.standing(f"mark/{reason.run}")
        if reason.mark == "SOUND" or reason.run not in runs:
            yield f"position {cited.position} takes nothing away that {subject} rests on"
        elif mark is not None and mark[0] == "SOUND":
            yield f"run {reason.run} is sound since position {mark[2]}"


def _foundations(move: Moved, record: Record) -> dict[bytes, Entry]:
    """What the status of a subject rests on: its verdict, or its tests, and all below."""
    room = "verdict" if subject_type(move) == "row" else "fate"
    known = record.standing(f"{room}/{move.subject}")
    found = roots(known[1], record) if known else {}
    if room == "fate" and known is not None and known[0] == "SURVIVED":
        for hash_, _ in record.listed(f"tests/{move.subject}"):  # of a set, each counts
            found |= roots(hash_, record)
    return found


def _premise(cited: Cited, record: Record) -> Iterable[str]:
    if premise_problem(cited.entry, cited.position, record, cited.now_us) is None:
        yield f"position {cited.position} states a claim that still stands"
    claims = {
        entry.body.get("claim")
        for entry in _foundations(cited.move, record).values()
        if entry.kind.startswith("claim.")
    }
    if cited.entry.body.get("claim") not in claims:
        yield f"{cited.move.subject} does not rest on {cited.entry.body.get('claim')}"


def _blocker(cited: Cited, record: Record) -> Iterable[str]:
    edge = event_at(cited.hash, EdgeStated, record)
    if edge is None:
        return
    if (edge.relation, edge.to_name) != ("blocks", cited.move.subject):
        yield f"the edge says {edge.from_name} {edge.relation} {edge.to_name}"
    fate = claim_fate(edge.claim, record)
    if fate in FALLEN_FATES:
        yield f"{edge.claim}, which says so, is {fate}"


def _replacement(cited: Cited, record: Record) -> Iterable[str]:
    other = record.event(cited.hash)
    subject, kind = cited.move.subject, subject_type(cited.move)
    if kind == "row" and isinstance(other, CriterionDeclared):
        yield from _row_replacement(cited, other, record)
    elif kind == "claim" and isinstance(other, ClaimStated):
        fate = claim_fate(other.claim, record)
        if other.claim == subject:
            yield f"{subject} does not take its own place"
        elif fate in FALLEN_FATES:
            yield f"{other.claim} is {fate} itself"
    else:
        yield f"a {kind} is not replaced by {cited.entry.kind}"


def _row_replacement(cited: Cited, new: CriterionDeclared, record: Record) -> Iterable[str]:
    """What takes the place of a blocking row blocks, too, and asks no less for all anyone knows."""
    subject, known = cited.move.subject, demand_in_force(cited.move.subject, record)
    status, now = row_status(new.criterion, record), demand_in_force(new.criterion, record)
    if new.criterion == subject:
        yield f"{subject} does not take its own place"
        return
    if not legal_moves("row", status):
        yield f"{new.criterion} is {status} itself"
    if now is None or now[1] != cited.hash:
        yield f"position {cited.position} is not the demand in force of {new.criterion}"
    if known is None or not known[0].blocking:
        return
    old = known[0]
    if not new.blocking:
        yield f"{subject} is blocking, {new.criterion} is not"
    elif new.model != old.model:
        yield f"{new.criterion} is listed under {new.model}, not {old.model}"
    other = other_subject(new, old)
    if not other and first_seen(new, old, record) is not None:
        yield (
            f"a result on record meets {new.criterion} and does not meet {subject}: declare "
            f"{subject} anew, with `supersedes` and `seen`"
        )
    less = other or asks_less(new, old)
    if less and not cited.actor.startswith("human:"):
        yield (
            f"{subject} is blocking, and {new.criterion} asks for another or for less "
            f"({', '.join(less)}): only a person lets it take the place, not {cited.actor}"
        )


def _decision(_: Cited, __: Record) -> Iterable[str]:
    return ()


def _other_way(cited: Cited, record: Record) -> Iterable[str]:
    test = event_at(cited.hash, ClaimTested, record)
    if test is None:
        return
    if test.claim != cited.move.subject or test.outcome != "REFUTED":
        yield f"the test says that {test.claim} {test.outcome}"
    if test.other_way is None:
        yield (
            "nothing shows that its test comes out the other way where the claim holds: plant that "
            "cause, measure it, and test again with `other_way`"
        )
    for hash_ in filter(None, (test.evidence, test.other_way)):
        yield from weaknesses(parse_hash(hash_), record)


def _every_member(cited: Cited, record: Record) -> Iterable[str]:
    subject = cited.move.subject
    stated = record.standing(f"claim/{subject}")
    claim = event_at(stated[1], ClaimStated, record) if stated else None
    if claim is None or claim.over is None:
        yield f"{subject} is not about a set; its test alone gives its fate"
        return
    if cited.entry.body.get("claim") != subject:
        yield f"the test is one of {cited.entry.body.get('claim')}"
    tested = {}
    for hash_, _ in record.listed(f"tests/{subject}"):
        test = event_at(hash_, ClaimTested, record)
        if test is not None and not taken_away(hash_, record):
            tested[test.member] = test.outcome  # the latest of each member
    found = [record.read(hash_) for hash_, _ in record.listed(f"set/{claim.over}")]
    members = [one[0].body["member"] for one in found if one]
    missing = [member for member in members if tested.get(member) != "SURVIVED"]
    if missing or not members:
        yield f"not tested in {claim.over}: {', '.join(missing) or 'it has no members'}"


def need_problems(name: str, cited: Cited, record: Record) -> Iterable[str]:
    """Why the cited entry does not give what a move of this need rests on."""
    if is_refuted(cited.hash, record):
        yield f"position {cited.position} ({cited.entry.kind}) was refuted"
    yield from NEEDS_ASKED[name](cited, record)


NEEDS_ASKED: Final[dict[str, Asked]] = {
    "falsifier": _falsifier,
    "fallen": _fallen,
    "premise": _premise,
    "blocker": _blocker,
    "replacement": _replacement,
    "decision": _decision,
    "other way": _other_way,
    "every member": _every_member,
}
