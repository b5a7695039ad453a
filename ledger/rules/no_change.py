"""A verdict that changes nothing is not given again: five rows discharged twice are five rows."""

from collections.abc import Iterable

from ledger.events.criterion import VerdictGiven
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import event_at, taken_away


def says_the_same(
    verdict_row: str, status: str, declaration: str, room: str, record: Record
) -> int:
    """Position of the verdict that says this already, of the same declaration; -1 if none does.

    A verdict whose evidence was refuted since, or its run marked, says nothing any more.
    """
    latest = record.standing(f"{room}/{verdict_row}")
    if latest is None or latest[0] != status:
        return -1
    known = event_at(latest[1], VerdictGiven, record)
    if known is not None and (known.declaration != declaration or taken_away(latest[1], record)):
        return -1
    return latest[2]


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The status, or the declaration that it is about, differs from the latest verdict's."""
    verdict = proposal.event
    if not isinstance(verdict, VerdictGiven):
        return
    room = "verdict" if verdict.seen is None else "post_hoc"
    at = says_the_same(verdict.criterion, verdict.status, verdict.declaration, room, record)
    if at >= 0:
        yield f"it is {verdict.status} since position {at}; saying so again changes nothing"


RULE = Rule(name="no_change", forbids="giving a verdict that stands already", check=check)
