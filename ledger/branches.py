"""Which entries of a record are on the main line (spec/formats/branches.md).

An entry is on a branch when it was recorded with one, or taken over from another ledger on one. It
counts on the main line once `branch.merged` cites it, or a later entry of its branch, as the head.
"""

from ledger.entry import Entry, parse_hash
from ledger.events import read_event
from ledger.events.branch import BranchImported, BranchMerged


class Development:
    """The branches of one record, from its entries in order. Ask when all have been seen."""

    def __init__(self) -> None:
        self._imported: tuple[int, str | None] = (-1, None)
        #: [first position, last position, branch], ascending; what is in none is on the main line.
        self._ranges: list[list[int | str]] = []
        self._positions: dict[bytes, int] = {}
        self._merged: dict[str, int] = {}

    def see(self, position: int, entry: Entry, hash_: bytes) -> None:
        """Take the next entry. Raises `Malformed` for a branch event without its form."""
        is_imported = position <= self._imported[0]
        branch = self._imported[1] if is_imported else entry.branch
        if branch is not None:
            self._positions[hash_] = position
            last = self._ranges[-1] if self._ranges else None
            if last is not None and last[1:] == [position - 1, branch]:
                last[1] = position
            else:
                self._ranges.append([position, position, branch])
        if is_imported or not entry.kind.startswith("branch."):
            return
        event = read_event(entry.kind, entry.schema_version, entry.body)
        if isinstance(event, BranchImported):
            self._imported = (position + event.entries, event.name)
        elif isinstance(event, BranchMerged) and branch is None:
            head = self._positions.get(parse_hash(event.head), -1)
            self._merged[event.name] = max(head, self._merged.get(event.name, -1))

    def is_imported(self, position: int) -> bool:
        """Whether the entry that was seen at this position came from another ledger."""
        return position <= self._imported[0]

    def ranges(self) -> list[tuple[int, int, str]]:
        """(first, last, branch) of what is off the main line, ascending."""
        found = []
        for first, last, branch in self._ranges:
            assert isinstance(first, int)
            assert isinstance(last, int)
            first = max(first, self._merged.get(str(branch), -1) + 1)
            if first <= last:
                found.append((first, last, str(branch)))
        return found
