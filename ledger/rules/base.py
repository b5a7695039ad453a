"""What a rule is: a pure function from a proposed event and the record to reasons against it.

Rules run for decided events, under the lock, with the state caught up. All reasons of all rules are
reported at once. A rule reads the record through `Record` and never writes.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

import attrs

from ledger.entry import Entry
from ledger.events.base import Event


class Facts(Protocol):
    """What may be asked of the record, as the branch of the proposed event sees it."""

    origin: str
    """The origin of this ledger."""

    def standing(self, key: str) -> tuple[str, bytes, int] | None:
        """(value, entry hash, position) of the latest event that set `key`, or None."""

    def position_of(self, hash_: bytes) -> int | None:
        """The position of an entry, or None where there is no such entry."""

    def read(self, hash_: bytes) -> tuple[Entry, int] | None:
        """The entry with this hash and its position, or None."""

    def event(self, hash_: bytes) -> object:
        """The typed event of an entry; None where there is no such entry."""

    def branch_at(self, position: int) -> str | None:
        """The branch that another ledger's entry at this position came in on, if it is one."""

    def counts(self, entry: Entry, position: int) -> bool:
        """Whether an entry is on the main line by now, or on the branch of the proposed event."""


class Record(Facts, Protocol):
    """What a rule may ask besides, under the lock."""

    def listed(self, key: str) -> list[tuple[bytes, int]]:
        """(entry hash, position) of each event under `key`, oldest first."""

    def names(self, room: str) -> list[str]:
        """Names that were given in a room of standings, for a refusal that tells the nearest."""


@attrs.frozen(slots=True, kw_only=True)
class Proposal:
    """An event that someone wants recorded, at `recorded_at` microseconds UTC."""

    event: Event
    actor: str
    cites: tuple[str, ...]
    branch: str | None = None
    recorded_at: int = 0


@attrs.frozen(slots=True, kw_only=True)
class Rule:
    """One rule: its name, what it forbids in one sentence, and its check."""

    name: str
    forbids: str
    check: Callable[[Proposal, Record], Iterable[str]]
