"""Events of branches: what is not on the main line, and when it comes to count there.

An entry is on a branch when it was recorded with one, or when it was taken over from another ledger
(spec/formats/branches.md). A branch is off the main line until `branch.merged` cites its head.
"""

from collections.abc import Iterable
from typing import Annotated

from ledger import ids
from ledger.events.base import EntryHash, Event, event

_Digest = Annotated[str, "digest"]


@event("branch.imported", version=1, family="decided", stream="ledger")
class BranchImported(Event):
    """Entries of another ledger were taken over as they are: the ones that follow this event.

    Recorded by `ledger merge` and `ledger import jsonl`, in one append with the entries.
    """

    name: str
    """Name of the branch on which they stand here."""
    source: str
    """Origin of the ledger they were taken from."""
    source_size: int
    """Entries that it had when it was read."""
    source_chain: _Digest
    """Its chain value then, as sha256: and hex: size and chain are a checkpoint of it."""
    entries: int
    """How many entries follow at the next positions."""
    head: _Digest
    """Entry hash of the last of them, which is no citation: it comes after this event."""

    def problems(self) -> Iterable[str]:
        """Names, digests and numbers that can be."""
        if not ids.is_branch(self.name):
            yield f"name: {self.name!r} cannot name a branch"
        if not ids.is_origin(self.source):
            yield f"source: {self.source!r} cannot name a ledger"
        for name in ("source_chain", "head"):
            if not ids.is_hash(getattr(self, name)):
                yield f"{name}: {getattr(self, name)!r} is not sha256: and 64 hex digits"
        if not 0 < self.entries <= self.source_size:
            yield "entries: at least one, and not more than source_size"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The branch exists."""
        return ((f"branch/{self.name}", self.head),)


@event("branch.merged", version=1, family="decided", stream="ledger")
class BranchMerged(Event):
    """What stands on a branch up to its head counts on the main line from here on."""

    name: str
    """Name of the branch."""
    head: EntryHash
    """Its last entry that counts; it is cited, too."""
    reason: str
    """Why, in words: what was reviewed."""

    def problems(self) -> Iterable[str]:
        """A branch, and a reason that somebody can read."""
        if not ids.is_branch(self.name):
            yield f"name: {self.name!r} cannot name a branch"
        if not self.reason.strip():
            yield "reason: say why in words"

    def standings(self) -> Iterable[tuple[str, str]]:
        """Up to where the branch counts."""
        return ((f"merged/{self.name}", self.head),)
