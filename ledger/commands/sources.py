"""Other records that entries are taken over from: a ledger's folder, or an exported file."""

from collections.abc import Iterator
from pathlib import Path

from ledger.blobs import blob_path, read_blob, write_blob
from ledger.entry import Entry
from ledger.errors import BadArguments, IntegrityError
from ledger.events import KINDS
from ledger.events.form import references
from ledger.exporters.lines import BlobPart, EntryLine, Footer, Header
from ledger.exporters.reader import read_export
from ledger.folder import Folder
from ledger.journal.reader import committed_end, scan
from ledger.journal.segments import beginning


class FolderSource:
    """Another ledger on this machine. Nothing is written there."""

    def __init__(self, folder: Folder) -> None:
        self.origin = folder.origin
        self._folder = folder
        self._end = committed_end(folder.journal, folder.lock)
        self._checkpoint = (0, beginning(folder.origin).chain)

    def read(self, keep_in: Folder | None) -> Iterator[tuple[int, bytes]]:  # noqa: ARG002
        """Yield position and bytes E of each entry, the chain verified on the way."""
        for line, cursor in scan(self._folder.journal, beginning(self.origin), self._end):
            self._checkpoint = (cursor.position, cursor.chain)
            yield line.position, line.entry

    def checkpoint(self) -> tuple[int, bytes]:
        """Its size and chain value, once it was read to the end."""
        return self._checkpoint

    def keep_blobs(self, here: Folder, entry: Entry) -> int:
        """Copy the evidence that the entry names; how much of it is missing there."""
        missing = 0
        for digest in _named(entry):
            if blob_path(here, digest).is_file():
                continue
            try:
                write_blob(here, read_blob(self._folder, digest))
            except IntegrityError:
                missing += 1
        return missing


class ExportSource:
    """A file that `ledger export` wrote. It is read twice, so it is no pipe."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise BadArguments(
                f"{path} is no file", hint="give a file that `ledger export` wrote, or a ledger"
            )
        self._path = path
        self._checkpoint = (0, b"")
        header = next(read_export(path))
        assert isinstance(header, Header)
        self.origin = header.origin

    def read(self, keep_in: Folder | None) -> Iterator[tuple[int, bytes]]:
        """Yield position and bytes E of each entry; blobs on the way are kept in `keep_in`.

        Raises `Malformed` with the line where anything does not fit.
        """
        parts: list[bytes] = []
        for line in read_export(self._path):
            if parts and not (isinstance(line, BlobPart) and line.offset):
                if keep_in is not None:
                    write_blob(keep_in, b"".join(parts))
                parts = []
            if isinstance(line, BlobPart):
                parts.append(line.data)
            elif isinstance(line, EntryLine):
                yield line.position, line.data
            elif isinstance(line, Footer):
                self._checkpoint = (line.size, line.chain)

    def checkpoint(self) -> tuple[int, bytes]:
        """Its size and chain value, once it was read to the end."""
        return self._checkpoint

    def keep_blobs(self, here: Folder, entry: Entry) -> int:
        """How much of the evidence that the entry names did not come with the file."""
        return sum(not blob_path(here, digest).is_file() for digest in _named(entry))


def _named(entry: Entry) -> list[str]:
    """Digests of the evidence that an entry names. Committed values stay at home."""
    kind = KINDS.get(entry.kind)
    return references(kind, entry.body, "blob") if kind else []
