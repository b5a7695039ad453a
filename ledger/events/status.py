"""Events that change how something stands: rows and claims, single entries, runs."""

from collections.abc import Iterable
from typing import Any, Literal

import attrs

from ledger import ids
from ledger.events.base import EntryHash, Event, event


@attrs.frozen(slots=True, kw_only=True)
class Moved(Event):
    """A row or claim moves to a status that no number gives; the entry cites why it may."""

    subject: str
    """Its name."""
    from_status: str
    """The status it stands in."""
    to_status: str
    """The status it moves to (spec/reference/statuses.md has the legal moves)."""
    reason: str
    """Why, in words. No rule reads it."""
    evidence: EntryHash | None
    """What the move rests on, where the table asks for an entry."""

    def problems(self) -> Iterable[str]:
        """A name that can be a stream, and a reason."""
        if not ids.is_id(self.subject):
            yield f"subject: {self.subject!r} cannot be a name (letters, digits, . _ + -)"
        if not self.reason.strip():
            yield "reason: say why, in words"


@event("row.moved", version=1, family="decided", stream="row/{subject}")
class RowMoved(Moved):
    """A row moves to a status that no number gives, such as PARTIAL or RETIRED."""

    def standings(self) -> Iterable[tuple[str, str]]:
        """The latest status of the row."""
        return ((f"verdict/{self.subject}", self.to_status),)


@event("claim.moved", version=1, family="decided", stream="claim/{subject}")
class ClaimMoved(Moved):
    """A claim moves to a status that no number gives, such as ELIMINATED or SUPERSEDED."""

    def standings(self) -> Iterable[tuple[str, str]]:
        """The latest fate of the claim."""
        return ((f"fate/{self.subject}", self.to_status),)


@event("entry.refuted", version=1, family="decided", stream="ledger")
class EntryRefuted(Event):
    """An entry does not say what it seemed to: what rests on it is suspect until judged again."""

    entry: EntryHash
    """The entry that falls."""
    evidence: EntryHash
    """What shows it: a measurement, a comparison, a test of a claim or a mark on its run."""
    reason: str
    """Why, in words. No rule reads it."""

    def problems(self) -> Iterable[str]:
        """A refutation says why."""
        if not self.reason.strip():
            yield "reason: say why, in words"

    def standings(self) -> Iterable[tuple[str, str]]:
        """It is refuted."""
        return ((f"refuted/{self.entry}", "refuted"),)


@event("run.marked", version=1, family="decided", stream="run/{run}")
class RunMarked(Event):
    """What a monitor found in a run's own events: its numbers are invalid, suspect or sound."""

    run: str
    """The run."""
    mark: Literal["INVALID", "SUSPECT", "SOUND"]
    """INVALID and SUSPECT numbers carry no verdict; SOUND takes an earlier mark back."""
    monitor: str | None
    """The monitor that fired first; null for SOUND."""
    why: str
    """What it saw."""
    positions: tuple[int, ...]
    """Positions of the events it saw it in."""
    numbers: dict[str, Any]
    """The numbers it goes by."""

    def standings(self) -> Iterable[tuple[str, str]]:
        """The latest mark."""
        return ((f"mark/{self.run}", self.mark),)
