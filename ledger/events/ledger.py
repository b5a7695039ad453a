"""Events of the ledger itself."""

from collections.abc import Iterable

from ledger.events.base import BlobDigest, Event, event


@event("ledger.created", version=1, family="decided", stream="ledger")
class LedgerCreated(Event):
    """The first entry of every ledger."""

    format: str
    """Format of the journal, such as research-ledger/v1."""
    program: str
    """Program and version that made the ledger."""
    keys: tuple[str, ...]
    """Public keys trusted from the beginning, as C2SP note verifier keys; may be empty."""

    def standings(self) -> Iterable[tuple[str, str]]:
        """The ledger has its beginning."""
        return (("ledger", self.format),)


@event("gap.found", version=1, family="instrument", stream="ledger")
class GapFound(Event):
    """A torn tail that a crash left, moved into a blob by the next writer."""

    segment: int
    """First position of the segment that had the tail."""
    offset: int
    """Byte of the segment where the tail began."""
    torn_bytes: int
    """Length of the tail in bytes."""
    blob: BlobDigest
    """The torn bytes."""
    last_good_position: int
    """Position of the last whole entry before the gap; -1 when there was none."""


@event("note.added", version=1, family="decided", stream="ledger")
class NoteAdded(Event):
    """A remark. It carries no weight: nothing follows from a note."""

    text: str
    """The remark, plain text or Markdown."""

    def problems(self) -> Iterable[str]:
        """A note says something."""
        return () if self.text.strip() else ("text: a note needs words",)
