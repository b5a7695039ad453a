"""Which entries were taken over from other ledgers, and on which branch (spec/formats/branches.md).

`branch.imported` says how many of the entries after it were taken over as they are. They keep the
numbers they had, so they are counted apart from what was recorded here.
"""

from bisect import bisect_right

import attrs

from ledger.events.base import Event
from ledger.events.branch import BranchImported, BranchMerged


@attrs.frozen(slots=True)
class BranchEvent:
    """An event about a branch: where it stands, and the branch that its entry names."""

    position: int
    hash: bytes
    branch: str | None
    event: Event


@attrs.frozen(slots=True)
class Import:
    """Entries that were taken over: from `first` to `last`, on this branch, the last being `head`.

    The event that says so stands right before them, and has the hash `said_in`.
    """

    first: int
    last: int
    branch: str
    head: str
    said_in: bytes


class Branches:
    """Imports and merges, told in the order of the journal."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self.imports: list[Import] = []
        #: (branch, entry hash of the head) that came to count on the main line.
        self.merged: list[tuple[str, str]] = []

    def take(self, found: BranchEvent) -> None:
        """Take the next event. What another ledger imported or merged says nothing about this."""
        if self.branch_at(found.position) is not None:
            return
        event, first = found.event, found.position + 1
        if isinstance(event, BranchImported):
            self._firsts.append(first)
            last = found.position + event.entries
            self.imports.append(Import(first, last, event.name, event.head, found.hash))
        elif isinstance(event, BranchMerged) and found.branch is None:
            self.merged.append((event.name, event.head))

    def branch_at(self, position: int) -> str | None:
        """The branch on which the entry at this position came in; null where it did not."""
        found = self._before(position)
        return found.branch if found is not None and position <= found.last else None

    def is_taken_over(self, first: int, last: int) -> bool | None:
        """Whether all from `first` to `last` came in; null where only a part of it did."""
        found = self._before(last)
        if found is None or found.last < first:
            return False
        return True if found.first <= first and last <= found.last else None

    def end_at(self, position: int) -> int | None:
        """The last position of what came in with the entry at this one."""
        found = self._before(position)
        return found.last if found is not None and position <= found.last else None

    def _before(self, position: int) -> Import | None:
        """The last import that begins at this position or before it."""
        index = bisect_right(self._firsts, position)
        return self.imports[index - 1] if index else None
