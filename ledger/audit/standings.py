"""What the rules ask of the record, as the audit read it: entries by hash, and the latest of a key.

A branch is off the main line until `branch.merged` cites its head; who speaks on a branch sees the
main line and its own branch (spec/formats/branches.md).
"""

from collections.abc import Iterable
from typing import Final

import attrs

from ledger.audit.branches import Branches
from ledger.audit.index import Index
from ledger.entry import Entry, parse_hash
from ledger.events import read_event
from ledger.ids import qualify

#: Value, entry hash and position of the latest event that set a key.
Standing = tuple[str, bytes, int]
#: Keys that are given once: of two lines that gave one, the main line's holds.
_GIVEN_ONCE: Final = ("provenance", "criterion", "demand", "claim", "ledger")
#: Keys about the ledger that an entry is from, not about the one that it came to.
_ITS_OWN: Final = ("ledger", "branch", "merged")


@attrs.frozen(slots=True)
class Setting:
    """A key that an event sets; `branch` is the one that its entry names."""

    position: int
    hash: bytes
    branch: str | None
    origin: str
    key: str
    value: str


class Standings:
    """The latest value of each key, on the main line and on each branch."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._main: dict[str, Standing] = {}
        #: Of each branch every value, not just the latest: it may be merged up to some place.
        self._branches: dict[str, dict[str, list[Standing]]] = {}

    def take(self, setting: Setting, branches: Branches) -> None:
        """Take what an event sets. Settings come in the order of the journal."""
        came_in = branches.branch_at(setting.position)
        branch = came_in or setting.branch
        room, _, name = setting.key.partition("/")
        if branch is not None and room in _ITS_OWN:
            return
        key = f"{room}/{qualify(name, setting.origin, self.origin)}" if name else room
        standing = setting.value, setting.hash, setting.position
        if branch is None:
            self._main[key] = standing
        else:
            self._branches.setdefault(branch, {}).setdefault(key, []).append(standing)

    def merge(self, branch: str, head: int) -> None:
        """What a branch says up to position `head` counts on the main line. Called at the end."""
        for key, standings in self._branches.get(branch, {}).items():
            counting = [standing for standing in standings if standing[2] <= head]
            known = self._main.get(key)
            if not counting or (known is not None and key.partition("/")[0] in _GIVEN_ONCE):
                continue
            if known is None or counting[-1][2] > known[2]:
                self._main[key] = counting[-1]

    def get(self, key: str, branch: str | None) -> Standing | None:
        """The latest value on the main line, or there and on a branch."""
        return max(self._known(key, branch), key=lambda known: known[2], default=None)

    def hashes(self, key: str) -> set[bytes]:
        """The entries that set a key last, on any line."""
        lines = (None, *self._branches)
        return {known[1] for line in lines for known in self._known(key, line)}

    def _known(self, key: str, branch: str | None) -> list[Standing]:
        on_branch = self._branches.get(branch, {}).get(key, [])[-1:] if branch else []
        return [*on_branch, *([self._main[key]] if key in self._main else [])]


class AuditedRecord:
    """The record that rules are asked in: entries are loaded first, then read by hash."""

    def __init__(self, index: Index, standings: Standings) -> None:
        self.origin = standings.origin
        #: The branch that asks; null for the main line.
        self.branch: str | None = None
        self._index = index
        self._standings = standings
        self._entries: dict[bytes, tuple[Entry, int] | None] = {}
        self._heads: dict[str, int] = {}
        self._merge_branches()

    def _merge_branches(self) -> None:
        merged = self._index.branches.merged
        self._look_up({parse_hash(head) for _, head in merged})
        for branch, head in merged:
            found = self.read(parse_hash(head))
            if found is None:
                continue
            entry, position = found
            if (self.branch_at(position) or entry.branch) == branch:
                self._heads[branch] = max(position, self._heads.get(branch, -1))
                self._standings.merge(branch, position)

    def load(self, hashes: Iterable[bytes]) -> None:
        """Look up these entries and what they rest on, all that is one step away at a time."""
        wanted = set(hashes)
        while wanted:
            found = self._look_up(wanted)
            wanted = {named for entry in found for named in self._named(entry)}
            wanted -= self._entries.keys()

    def _look_up(self, hashes: set[bytes]) -> list[Entry]:
        self._entries |= dict.fromkeys(hashes)
        found = []
        for hash_, place in sorted(self._index.find(hashes).items(), key=lambda item: item[1]):
            read = self._index.read(place)
            if read is not None:
                self._entries[hash_] = read.entry, read.position
                found.append(read.entry)
        return found

    def _named(self, entry: Entry) -> Iterable[bytes]:
        """What an entry was derived from, and the start of its run, on whatever line."""
        if entry.body.get("provenance") == "derived":
            yield from map(parse_hash, entry.cites)
        run = qualify(str(entry.body.get("run")), entry.origin, self.origin)
        yield from self._standings.hashes(f"provenance/{run}")

    def event(self, hash_: bytes) -> object:
        """The event with this hash; null where there is none. Raises `Malformed`."""
        found = self.read(hash_)
        return found and read_event(found[0].kind, found[0].schema_version, found[0].body)

    def standing(self, key: str) -> Standing | None:
        """The latest value of a key, as the branch that asks sees it."""
        return self._standings.get(key, self.branch)

    def position_of(self, hash_: bytes) -> int | None:
        """The position of an entry."""
        found = self.read(hash_)
        return found[1] if found else None

    def read(self, hash_: bytes) -> tuple[Entry, int] | None:
        """An entry that was loaded, and its position; null where there is none."""
        return self._entries.get(hash_)

    def branch_at(self, position: int) -> str | None:
        """The branch on which the entry at this position came in from another ledger."""
        return self._index.branches.branch_at(position)

    def counts(self, entry: Entry, position: int) -> bool:
        """Whether an entry is on the main line by now, or on the branch that asks."""
        branch = self.branch_at(position) or entry.branch
        return branch in (None, self.branch) or position <= self._heads.get(branch, -1)
