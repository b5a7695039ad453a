"""Streams are numbered without gaps, and bodies have the form of their kind."""

from collections.abc import Iterable

from ledger.audit.base import Finding, Seen
from ledger.errors import Malformed
from ledger.events import KINDS, read_event
from ledger.folder import Folder


class StreamCheck:
    """stream_version counts from 0 within (origin, stream); each body is a sound event."""

    name = "streams"

    def __init__(self, folder: Folder) -> None:
        self._origin = folder.origin
        self._next: dict[tuple[str, str], int] = {}
        self._unknown: dict[str, int] = {}

    def see(self, seen: Seen) -> Iterable[Finding]:
        """The entry's number in its stream, and the form of its body."""
        entry = seen.entry
        if entry is None:
            return
        key = (entry.origin, entry.stream)
        due = self._next.get(key, 0)
        if entry.stream_version != due:
            message = f"{entry.stream} has version {entry.stream_version} where {due} is due"
            yield seen.finding("broken", self.name, message)
        self._next[key] = entry.stream_version + 1
        known = KINDS.get(entry.kind)
        if known is None or entry.schema_version > known.version:
            self._unknown[entry.kind] = self._unknown.get(entry.kind, 0) + 1
            return
        try:
            read_event(entry.kind, entry.schema_version, entry.body)
        except Malformed as error:
            message = f"{entry.kind} does not have its form: {'; '.join(error.reasons)}"
            yield seen.finding("broken", self.name, message)

    def finish(self) -> Iterable[Finding]:
        """Kinds this program does not know were hashed, not read."""
        for kind, count in sorted(self._unknown.items()):
            message = f"{count} events of kind {kind}, which this program does not know"
            yield Finding(
                severity="note", check=self.name, position=None, hash=None, message=message
            )
