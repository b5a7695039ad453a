"""The record as it will be once the first events of a batch are written: rules are asked in it."""

from typing import Self

from ledger.entry import Entry, entry_hash, parse_entry
from ledger.events.base import Event
from ledger.state import State


class Foresight:
    """A `Record` as one branch sees it, that knows the batch so far, and the state beneath it."""

    def __init__(self, state: State, position: int) -> None:
        self.origin = state.origin
        self._state = state
        self._position = position
        self._branch: str | None = None
        self._standings: dict[tuple[str | None, str], tuple[str, bytes, int]] = {}
        self._events: dict[bytes, object] = {}
        self._listed: dict[tuple[str | None, str], list[tuple[bytes, int]]] = {}
        self._entries: dict[bytes, tuple[bytes, int]] = {}

    def add(self, entry: bytes, event: Event, branch: str | None) -> None:
        """Take an event of the batch as recorded."""
        hash_ = entry_hash(entry)
        self._entries[hash_] = (entry, self._position)
        self._events[hash_] = event
        for key, value in event.standings():
            self._standings[branch, key] = (value, hash_, self._position)
        for key in event.listings():
            self._listed.setdefault((branch, key), []).append((hash_, self._position))
        self._position += 1

    def on(self, branch: str | None) -> Self:
        """From here on, answer as this branch sees it: the main line, and what is on the branch."""
        self._branch = branch
        return self

    def standing(self, key: str) -> tuple[str, bytes, int] | None:
        """(value, entry hash, position) of the latest event that set `key`, or None."""
        found = [self._standings.get((line, key)) for line in {None, self._branch}]
        latest = max((one for one in found if one), key=lambda one: one[2], default=None)
        return latest or self._state.standing(key, self._branch)

    def listed(self, key: str) -> list[tuple[bytes, int]]:
        """(entry hash, position) of each event under `key`, oldest first."""
        new = [one for line in {None, self._branch} for one in self._listed.get((line, key), [])]
        known = self._state.listed(key, self._branch)
        return known + sorted(new, key=lambda one: one[1])

    def names(self, room: str) -> list[str]:
        """Names that were given in a room of standings, those of the batch first."""
        lines = {None, self._branch}
        new = [key for line, key in self._standings if line in lines and key.startswith(f"{room}/")]
        return [key.partition("/")[2] for key in new] + self._state.names(room, self._branch)

    def position_of(self, hash_: bytes) -> int | None:
        """The position of an entry, or None where there is no such entry."""
        found = self._entries.get(hash_)
        return found[1] if found else self._state.position_of(hash_)

    def read(self, hash_: bytes) -> tuple[Entry, int] | None:
        """The entry with this hash and its position, or None."""
        found = self._entries.get(hash_)
        return (parse_entry(found[0]), found[1]) if found else self._state.read(hash_)

    def event(self, hash_: bytes) -> object:
        """The typed event of an entry; None where there is no such entry."""
        return self._events[hash_] if hash_ in self._events else self._state.event(hash_)

    def branch_at(self, position: int) -> str | None:
        """The branch that another ledger's entry at this position came in on, if it is one."""
        return self._state.branch_at(position)

    def counts(self, entry: Entry, position: int) -> bool:
        """Whether an entry is on the main line by now, or on the branch of the proposed event."""
        branch = self.branch_at(position) or entry.branch
        return branch == self._branch or self._state.counts(entry, position)
