"""Rows and claims move as the table says (`ledger.statuses`), each move with what it rests on.

Elimination needs a test that would have come out the other way; a claim over a set survives when
each of its members was tested; a status that follows from numbers is not typed.
"""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.criterion import VerdictGiven
from ledger.events.status import Moved
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.needs import NEEDS_ASKED, Cited, need_problems, subject_type
from ledger.rules.standing import claim_fate, demand_in_force, row_status
from ledger.statuses import Move, legal_moves


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The move is in the table, from where the subject stands, with what it needs."""
    event = proposal.event
    if isinstance(event, VerdictGiven):
        yield from _verdict_problems(event, record)
    if not isinstance(event, Moved):
        return
    now = (row_status if subject_type(event) == "row" else claim_fate)(event.subject, record)
    if event.from_status != now:
        yield f"{event.subject} is {now}, not {event.from_status}"
    moves = [m for m in legal_moves(subject_type(event), now) if m.to_status == event.to_status]
    if not moves:
        yield f"{now} to {event.to_status} is no legal move; {_legal(event, now)}"
        return
    moves.sort(key=lambda move: move.need.name not in NEEDS_ASKED)  # of two ways, what can be cited
    problems = [list(_problems(event, move, proposal, record)) for move in moves]
    if all(problems):
        yield from problems[0]
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
    legal = [f"{m.to_status} ({m.need.words})" for m in legal_moves(subject_type(event), now)]
    return f"legal from {now}: " + ("; ".join(legal) if legal else "none")


def _problems(event: Moved, move: Move, proposal: Proposal, record: Record) -> Iterable[str]:
    need = move.need
    if need.name not in NEEDS_ASKED:
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
    cited = Cited(
        move=event,
        actor=proposal.actor,
        now_us=proposal.recorded_at,
        entry=found[0],
        hash=parse_hash(event.evidence),
        position=found[1],
    )
    yield from need_problems(need.name, cited, record)


def _retirement_problems(event: Moved, proposal: Proposal, record: Record) -> Iterable[str]:
    known = demand_in_force(event.subject, record) if subject_type(event) == "row" else None
    if known is not None and known[0].blocking and not proposal.actor.startswith("human:"):
        yield f"{event.subject} is blocking: only a person retires it, not {proposal.actor}"


RULE = Rule(name="moves", forbids="a status that does not follow from the one before", check=check)
