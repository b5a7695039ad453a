"""Evidence bytes: every digest that an entry names has its blob, unchanged.

The blob of a committed value may be gone: then `blob.withheld` says since when and why
(spec/formats/commitment.md).
"""

from collections.abc import Iterable
from typing import Any

from ledger.audit.base import Check, Finding, Seen
from ledger.audit.index import Index
from ledger.blobs import blob_path, list_blobs, read_blob
from ledger.errors import LedgerError
from ledger.events import KINDS
from ledger.events.form import references
from ledger.events.redaction import BlobWithheld, commitments_in
from ledger.folder import Folder


class BlobCheck(Check):
    """Blobs that are named are there and hash to their name, or are on record as withheld."""

    name = "blobs"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._verified: set[str] = set()
        self._found: set[str] = set()
        #: The first entry that holds a commitment, and the first that withholds it: of one range.
        self._holding: dict[str, Seen] = {}
        self._withholding: dict[str, tuple[int, str]] = {}
        #: And of all that were merged.
        self._committed: dict[str, Seen] = {}
        self._withheld: dict[str, tuple[int, str]] = {}

    def see(self, seen: Seen) -> Iterable[Finding]:
        """The blobs this entry names."""
        entry = seen.entry
        if entry is None:
            return
        if b"withheld:sha256:" in seen.data:
            for digest in commitments_in(entry.body):
                self._holding.setdefault(digest, seen)
        if entry.kind == BlobWithheld.KIND.name:
            blob, reason = entry.body.get("blob"), entry.body.get("reason")
            self._withholding.setdefault(str(blob), (seen.position, str(reason)))
        kind = KINDS.get(entry.kind)
        for digest in references(kind, entry.body, "blob") if kind else []:
            yield from self._verify(digest, seen)

    def _verify(self, digest: str, seen: Seen) -> Iterable[Finding]:
        if digest in self._verified:
            return
        try:
            read_blob(self._folder, digest)
        except LedgerError as error:
            yield seen.finding("broken", self.name, error.message)
        except OSError as error:
            message = f"blob {digest} cannot be read: {error.strerror}"
            yield seen.finding("broken", self.name, message)
        else:
            self._verified.add(digest)
            self._found.add(digest)

    def collect(self) -> Any:  # noqa: ANN401 - see `merge`
        """The blobs that were verified here first, commitments, and those that were withheld."""
        collected = self._found, self._holding, self._withholding
        self._found, self._holding, self._withholding = set(), {}, {}
        return collected

    def merge(self, collected: Any, index: Index) -> Iterable[Finding]:  # noqa: ANN401, ARG002
        """What the earlier ranges said first holds."""
        found, holding, withholding = collected
        self._verified |= found
        for digest, seen in holding.items():
            self._committed.setdefault(digest, seen)
        for digest, said in withholding.items():
            self._withheld.setdefault(digest, said)
        return ()

    def finish(self, index: Index) -> Iterable[Finding]:  # noqa: ARG002 - the contract of a check
        """Committed values that are gone or still there, and blobs that no entry names."""
        for digest, seen in self._committed.items():
            yield from self._account_for(digest, seen)
        if not self._folder.blobs.is_dir():  # git keeps no empty folder
            return
        named = self._verified | set(self._committed)
        stray = [digest for digest in list_blobs(self._folder) if digest not in named]
        if stray:
            message = f"{len(stray)} blobs are named by no sound entry, such as {stray[0]}"
            yield Finding(
                severity="note", check=self.name, position=None, hash=None, message=message
            )

    def _account_for(self, digest: str, seen: Seen) -> Iterable[Finding]:
        """What there is to say of a committed value."""
        is_there = blob_path(self._folder, digest).exists()
        if is_there:
            yield from self._verify(digest, seen)
        event = self._withheld.get(digest)
        if event is not None:
            still = ", and still there: `ledger redact` it once more" if is_there else ""
            message = f"{digest} is withheld since position {event[0]}{still}: {event[1]}"
            yield seen.finding("note", self.name, message)
        elif not is_there and seen.entry and seen.entry.origin != self._folder.origin:
            message = f"{digest} is withheld: it did not come along from {seen.entry.origin}"
            yield seen.finding("note", self.name, message)
        elif not is_there:
            yield from self._verify(digest, seen)
