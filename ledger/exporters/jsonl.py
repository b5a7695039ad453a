"""JSONL: the exchange format, for people and programs that trust nobody (spec/formats/export.md).

Entries go from the journal to the file as they are, the chain checked on the way, one line at a
time and the evidence in parts, so that the size of a ledger does not matter.
"""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from ledger.blobs import blob_path
from ledger.entry import Entry, parse_entry
from ledger.errors import IntegrityError, StoreFailed
from ledger.events import KINDS
from ledger.events.form import references
from ledger.events.redaction import MARK, commitments_in, texts_in
from ledger.exporters.base import Exporter, Progress, Selection, Written
from ledger.exporters.lines import PART_BYTES, BlobPart, Footer, Header, format_entry
from ledger.folder import Folder
from ledger.ids import HASH_PREFIX, is_hash
from ledger.journal.reader import committed_end, scan
from ledger.journal.segments import beginning

_REPORT_EVERY: Final = 5_000
_MENTION: Final = HASH_PREFIX.encode()
_COMMITTED: Final = (MARK + HASH_PREFIX).encode()


def write_lines(selection: Selection, file: BinaryIO, report: Progress) -> Written:
    """Write header, entries with their evidence, and footer."""
    folder = selection.folder
    start = beginning(folder.origin)
    chain, position = start.chain, 0
    evidence = _Evidence(folder, selection.blobs)
    end = committed_end(folder.journal, folder.lock)
    has_header = False
    for line, _ in scan(folder.journal, start, end):
        if line.position >= selection.end:
            break
        if line.position >= selection.first:
            if not has_header:
                file.write(_header(selection, chain).format())
                has_header = True
            for part in evidence.before(line.position, line.entry):
                file.write(part.format())
            file.write(format_entry(line.position, line.chain, line.entry))
        else:
            evidence.pass_by(line.entry)
        chain, position = line.chain, line.position + 1
        if position % _REPORT_EVERY == 0:
            report(position, selection.end)
    if position < selection.end:
        raise IntegrityError(
            f"the journal ended at position {position - 1} while it was read",
            hint="run `ledger audit`",
            position=position,
        )
    if not has_header:
        file.write(_header(selection, chain).format())
    file.write(Footer(size=position, chain=chain, blob_count=len(evidence.sent)).format())
    return Written(
        rows=position - selection.first,
        blobs=len(evidence.sent),
        left_out=len(evidence.left_out),
        chain=chain.hex(),
    )


def _header(selection: Selection, chain: bytes) -> Header:
    return Header(
        origin=selection.folder.origin, first=selection.first, chain=chain, blobs=selection.blobs
    )


class _Evidence:
    """The blobs of an export: each once, before the first entry that names it."""

    def __init__(self, folder: Folder, mode: str) -> None:
        self._folder = folder
        self._mode = mode
        self._committed: set[str] = set()
        self.sent: set[str] = set()
        self.left_out: set[str] = set()

    def pass_by(self, data: bytes) -> None:
        """Look at entry bytes that are not taken out: a later one may name what they commit to."""
        if _COMMITTED in data:
            self._committed.update(commitments_in(parse_entry(data).body))

    def before(self, position: int, data: bytes) -> Iterator[BlobPart]:
        """The parts of every blob that these entry bytes are the first to name."""
        if _MENTION not in data:
            return
        entry = parse_entry(data)
        committed = commitments_in(entry.body)
        self._committed.update(committed)
        wanted = [] if self._mode == "none" else [*self._named(entry, position)]
        if self._mode == "all":
            wanted += [digest for digest in committed if self._is_there(digest)]
        self.left_out.update(set(committed) - set(wanted))
        for digest in wanted:
            if digest not in self.sent:
                self.sent.add(digest)
                yield from _read_parts(self._folder, digest)

    def _named(self, entry: Entry, position: int) -> Iterator[str]:
        """What the entry names as evidence, and every other digest that has a blob.

        Not the digest of a committed value: that one is secret, whoever else names it.
        """
        kind = KINDS.get(entry.kind)
        for digest in references(kind, entry.body, "blob") if kind else []:
            if not self._is_there(digest):
                raise IntegrityError(
                    f"blob {digest} is missing, which position {position} names as evidence",
                    hint="restore it from a copy, or export the entries alone: --blobs none",
                    position=position,
                )
            yield digest
        hashes = set(references(kind, entry.body, "entry")) if kind else set()
        for text in texts_in(entry.body):
            is_digest = is_hash(text) and text not in hashes and text not in self._committed
            if is_digest and self._is_there(text):
                yield text

    def _is_there(self, digest: str) -> bool:
        return digest in self.sent or blob_path(self._folder, digest).is_file()


def _read_parts(folder: Folder, digest: str) -> Iterator[BlobPart]:
    """A blob in parts, verified by the end of the last. Raises `IntegrityError`."""
    hasher, offset = hashlib.sha256(), 0
    try:
        with blob_path(folder, digest).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            while (data := file.read(PART_BYTES)) or offset == 0:
                hasher.update(data)
                yield BlobPart(digest=digest, size=size, offset=offset, data=data)
                offset += len(data)
                if offset >= size:
                    break
    except OSError as error:
        raise StoreFailed(
            f"cannot read blob {digest}: {error.strerror}", hint="check the permissions"
        ) from error
    if HASH_PREFIX + hasher.hexdigest() != digest or offset != size:
        raise IntegrityError(
            f"blob {digest} does not have that digest any more",
            hint="restore it from a copy; `ledger audit` lists all",
        )


EXPORTER = Exporter(
    name="jsonl",
    summary="the record as JSON lines, with its evidence: to read, to move, to verify",
    streams=True,
    takes_blobs=True,
    takes_tables=False,
    write=write_lines,
)
