"""A run's numbers are marked by a monitor, with the events that show it; a person takes that back.

Whoever could mark a run with words could take away a result that he does not like; whoever could
call his own marked run sound could keep one that he likes.
"""

from collections.abc import Iterable

from ledger.events.status import RunMarked
from ledger.rules.base import Proposal, Record, Rule


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """A mark names its monitor and events of the run; SOUND answers a mark, and is a person's."""
    event = proposal.event
    if not isinstance(event, RunMarked):
        return
    known = record.standing(f"mark/{event.run}")
    if event.mark == "SOUND":
        yield from _sound_problems(event, known, proposal.actor)
        return
    if event.monitor is None:
        yield f"no monitor is named: what says that {event.run} is {event.mark}?"
    started = record.standing(f"provenance/{event.run}")
    if not event.positions:
        yield f"no events are named: where does {event.monitor} see it?"
    elif started is not None and max(event.positions) < started[2]:
        # Some may be of another run, whose losses are the same; but not all of them.
        yield f"all of it was before {event.run} began (position {started[2]})"
    if known is not None and known[0] == event.mark:
        yield f"{event.run} is {event.mark} since position {known[2]}"


def _sound_problems(
    event: RunMarked, known: tuple[str, bytes, int] | None, actor: str
) -> Iterable[str]:
    if known is None or known[0] == "SOUND":
        yield f"{event.run} has no mark to take back"
    if not actor.startswith("human:"):
        yield f"only a person calls a marked run sound, not {actor}"


RULE = Rule(
    name="marks", forbids="marking a run without a monitor, calling it sound oneself", check=check
)
