"""Rows and claims move as the table says (`ledger.statuses`), each move with what it rests on.

Elimination needs a test that would have come out the other way; a claim over a set survives when
each of its members was tested; a status that follows from numbers is not typed.
"""

from collections.abc import Callable, Iterable
from typing import Final

from ledger.entry import Entry, parse_hash
from ledger.events import read_event
from ledger.events.claim import ClaimStated, ClaimTested, EdgeStated
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.events.status import EntryRefuted, Moved, RowMoved, RunMarked
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.comparability import mismatches
from ledger.rules.standing import (
    claim_fate,
    demand_in_force,
    event_at,
    premise_problem,
    row_status,
)
from ledger.rules.verdict import meets
from ledger.statuses import Move, SubjectType, legal_moves

#: Why the cited event is not what a move needs, asked of (move event, cited entry, its position).
Asked = Callable[[Moved, Entry, int, Record, int], Iterable[str]]


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The move is in the table, from where the subject stands, with what it needs."""
    event = proposal.event
    if isinstance(event, VerdictGiven):
        yield from _verdict_problems(event, record)
    if not isinstance(event, Moved):
        return
    of_row = isinstance(event, RowMoved)
    now = (row_status if of_row else claim_fate)(event.subject, record)
    if event.from_status != now:
        yield f"{event.subject} is {now}, not {event.from_status}"
    moves = [m for m in legal_moves(_subject_type(event), now) if m.to_status == event.to_status]
    if not moves:
        yield f"{now} to {event.to_status} is no legal move; {_legal(event, now)}"
        return
    problems = [list(_need_problems(event, move, proposal, record)) for move in moves]
    if all(problems):
        yield from min(problems, key=len)
    if event.to_status == "RETIRED":
        yield from _retirement_problems(event, proposal, record)


def _verdict_problems(verdict: VerdictGiven, record: Record) -> Iterable[str]:
    """A row that is over is judged no more."""
    now = row_status(verdict.criterion, record)
    if verdict.seen is None and not any(
        move.to_status == verdict.status or now == verdict.status
        for move in legal_moves("row", now)
    ):
        yield f"{verdict.criterion} is {now}, and there is no way out of that"


def _legal(event: Moved, now: str) -> str:
    legal = [f"{m.to_status} ({m.need.words})" for m in legal_moves(_subject_type(event), now)]
    return f"legal from {now}: " + ("; ".join(legal) if legal else "none")


def _need_problems(event: Moved, move: Move, proposal: Proposal, record: Record) -> Iterable[str]:
    need = move.need
    if need.name not in _ASKED:
        yield f"{move.to_status} is not typed, it follows from numbers: {need.words}"
        return
    if event.evidence is None or event.evidence not in proposal.cites:
        yield f"it names in `evidence`, and cites, what it rests on: {need.words}"
        return
    found = record.read(parse_hash(event.evidence))
    if found is None:
        return  # the rule on citations says so
    if found[0].kind not in need.kinds:
        yield f"{found[0].kind} does not carry this move; it needs {need.words}"
        return
    yield from _ASKED[need.name](event, *found, record, proposal.recorded_at)


def _falsifier(event: Moved, entry: Entry, position: int, record: Record, _: int) -> Iterable[str]:
    known = demand_in_force(event.subject, record)
    result = _typed(entry)
    if known is None or not isinstance(result, MeasurementTaken):
        return
    criterion = known[0]
    if criterion.test is None:
        yield f"{event.subject} names no test: declare how it is tested"
    if (result.metric, result.unit) != (criterion.metric, criterion.unit):
        yield from mismatches(criterion, result)
    elif meets(criterion, result):
        yield f"position {position} meets the demand: it does not show that the test can fail"


def _fallen(event: Moved, entry: Entry, position: int, record: Record, _: int) -> Iterable[str]:
    """The refuted entry, or the marked run, is one that the latest verdict or test rests on."""
    room = "verdict" if _subject_type(event) == "row" else "fate"
    known = record.standing(f"{room}/{event.subject}")
    latest = record.read(known[1]) if known else None
    if known is None or latest is None:
        return
    rests_on = _roots(latest[0], known[1], record)
    reason = _typed(entry)
    if isinstance(reason, EntryRefuted) and parse_hash(reason.entry) not in rests_on:
        yield f"position {position} refutes something that {event.subject} does not rest on"
    if isinstance(reason, RunMarked):
        runs = {found[0].body.get("run") for h in rests_on if (found := record.read(h))}
        if reason.mark == "SOUND" or reason.run not in runs:
            yield f"position {position} takes nothing away that {event.subject} rests on"


def _roots(entry: Entry, hash_: bytes, record: Record, depth: int = 8) -> set[bytes]:
    """An entry and all that it rests on, over `depth` citations."""
    found = {hash_}
    for cited in map(parse_hash, entry.cites if depth else ()):
        below = record.read(cited)
        found |= _roots(below[0], cited, record, depth - 1) if below else set()
    return found


def _premise(
    event: Moved, entry: Entry, position: int, record: Record, now_us: int
) -> Iterable[str]:
    if premise_problem(entry, position, record, now_us) is None:
        yield f"position {position} states a claim that still stands"
    known = record.standing(f"verdict/{event.subject}")
    latest = record.read(known[1]) if known else None
    if known is not None and latest is not None:
        claims = {
            found[0].body.get("claim")
            for h in _roots(latest[0], known[1], record)
            if (found := record.read(h)) and found[0].kind.startswith("claim.")
        }
        if entry.body.get("claim") not in claims:
            yield f"{event.subject} does not rest on {entry.body.get('claim')}"


def _blocker(event: Moved, entry: Entry, _: int, record: Record, __: int) -> Iterable[str]:  # noqa: ARG001
    edge = _typed(entry)
    if isinstance(edge, EdgeStated) and (edge.relation, edge.to_name) != ("blocks", event.subject):
        yield f"the edge says {edge.from_name} {edge.relation} {edge.to_name}"


def _replacement(event: Moved, entry: Entry, _: int, record: Record, __: int) -> Iterable[str]:
    other = _typed(entry)
    if _subject_type(event) == "row" and isinstance(other, CriterionDeclared):
        known = demand_in_force(event.subject, record)
        if other.criterion == event.subject:
            yield f"{event.subject} does not take its own place"
        elif known is not None and known[0].blocking and not other.blocking:
            yield f"{event.subject} is blocking, {other.criterion} is not"
        elif known is not None and known[0].blocking and other.model != known[0].model:
            yield f"{other.criterion} is listed under {other.model}, not {known[0].model}"
    elif _subject_type(event) == "claim" and isinstance(other, ClaimStated):
        if other.claim == event.subject:
            yield f"{event.subject} does not take its own place"
    else:
        yield f"a {_subject_type(event)} is not replaced by {entry.kind}"


def _decision(*_: object) -> Iterable[str]:
    return ()


def _other_way(event: Moved, entry: Entry, _: int, record: Record, __: int) -> Iterable[str]:  # noqa: ARG001
    test = _typed(entry)
    if not isinstance(test, ClaimTested):
        return
    if test.claim != event.subject or test.outcome != "REFUTED":
        yield f"the test says that {test.claim} {test.outcome}"
    if test.other_way is None:
        yield (
            "nothing shows that its test comes out the other way where the claim holds: plant that "
            "cause, measure it, and test again with `other_way`"
        )


def _every_member(event: Moved, entry: Entry, _: int, record: Record, __: int) -> Iterable[str]:
    stated = record.standing(f"claim/{event.subject}")
    claim = event_at(stated[1], ClaimStated, record) if stated else None
    if claim is None or claim.over is None:
        yield f"{event.subject} is not about a set; its test alone gives its fate"
        return
    if entry.body.get("claim") != event.subject:
        yield f"the test is one of {entry.body.get('claim')}"
    tested = {
        found[0].body.get("member")
        for hash_, _at in record.listed(f"tests/{event.subject}")
        if (found := record.read(hash_)) and found[0].body["outcome"] == "SURVIVED"
    }
    members = [
        found[0].body["member"]
        for hash_, _at in record.listed(f"set/{claim.over}")
        if (found := record.read(hash_))
    ]
    missing = [member for member in members if member not in tested]
    if missing or not members:
        yield f"not tested in {claim.over}: {', '.join(missing) or 'it has no members'}"


def _retirement_problems(event: Moved, proposal: Proposal, record: Record) -> Iterable[str]:
    known = demand_in_force(event.subject, record) if _subject_type(event) == "row" else None
    if known is not None and known[0].blocking and not proposal.actor.startswith("human:"):
        yield f"{event.subject} is blocking: only a person retires it, not {proposal.actor}"


def _subject_type(event: Moved) -> SubjectType:
    return "row" if isinstance(event, RowMoved) else "claim"


def _typed(entry: Entry) -> object:
    return read_event(entry.kind, entry.schema_version, entry.body)


#: What is asked of the entry that a move cites, by the name of its need. Verdicts and tests are not
#: here: those moves are not typed.
_ASKED: Final[dict[str, Asked]] = {
    "falsifier": _falsifier,
    "fallen": _fallen,
    "premise": _premise,
    "blocker": _blocker,
    "replacement": _replacement,
    "decision": _decision,
    "other way": _other_way,
    "every member": _every_member,
}

RULE = Rule(name="moves", forbids="a status that does not follow from the one before", check=check)
