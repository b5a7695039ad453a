"""Evidence bytes: every digest that an entry names has its blob, unchanged."""

from collections.abc import Iterable

from ledger.audit.base import Finding, Seen
from ledger.blobs import list_blobs, read_blob
from ledger.errors import LedgerError
from ledger.events import KINDS
from ledger.events.form import references
from ledger.folder import Folder


class BlobCheck:
    """Blobs that are named are there and hash to their name."""

    name = "blobs"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._verified: set[str] = set()

    def see(self, seen: Seen) -> Iterable[Finding]:
        """The blobs this entry names."""
        entry = seen.entry
        if entry is None or entry.kind not in KINDS:
            return
        for digest in references(KINDS[entry.kind], entry.body, "blob"):
            if digest in self._verified:
                continue
            try:
                read_blob(self._folder, digest)
            except LedgerError as error:
                yield seen.finding("broken", self.name, error.message)
            except OSError as error:
                message = f"blob {digest} cannot be read: {error.strerror}"
                yield seen.finding("broken", self.name, message)
            else:
                self._verified.add(digest)

    def finish(self) -> Iterable[Finding]:
        """Blobs that no entry names: harmless, and worth knowing."""
        if not self._folder.blobs.is_dir():  # git keeps no empty folder
            return
        stray = [digest for digest in list_blobs(self._folder) if digest not in self._verified]
        if stray:
            message = f"{len(stray)} blobs are named by no sound entry, such as {stray[0]}"
            yield Finding(
                severity="note", check=self.name, position=None, hash=None, message=message
            )
