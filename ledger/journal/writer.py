"""Appending to the journal, under the lock, in one `write()` of whole lines.

What `append` returned is written: `kill -9` cannot take it back, and with `durable` neither can a
power cut. A write that falls short (full disk, file-size limit) is truncated back and raised, so
nothing half-written stays. A torn tail that a crash left is moved into a blob by the next writer.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from os import access, fstat
from pathlib import Path
from time import monotonic
from typing import Final

from ledger.blobs import write_blob
from ledger.entry import entry_hash
from ledger.errors import IntegrityError, Malformed, StoreFailed
from ledger.folder import Folder
from ledger.journal.batch import NAME, Batch, read_batch, remove_batch, sync_folder, write_batch
from ledger.journal.gap import Gap, read_gaps, remove_gaps, write_gaps
from ledger.journal.line import Line, chain_next, follow_lines, parse_line
from ledger.journal.lock import WriterLock
from ledger.journal.reader import find_tail, scan, verify_place
from ledger.journal.segments import SEGMENT_BYTES, Cursor, segment_path

#: How long an open segment is taken for the one of that name: a path costs a microsecond.
_TRUST_SECONDS: Final = 0.005
_NO_GAPS: Final[tuple[Gap, ...]] = ()
_SPACE_HINT: Final = "nothing was recorded; check the space and permissions, then try again"

#: Told the bytes of entries that somebody else appended, a line or several at once.
OnBytes = Callable[[bytes], None]


class Writer:
    """One process's place at the end of a journal. `enter` first, `append`, then `leave`."""

    def __init__(
        self, folder: Folder, cursor: Cursor, *, durable: bool, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self._folder = folder
        self._durable = durable
        self._segment_bytes = segment_bytes
        self._lock = WriterLock(folder.lock)
        self._descriptor: int | None = None
        self._journal = -1
        self._trusted_until = 0.0
        self._unverified: list[tuple[bytes, int, bytes]] = []
        self._device = self._inode = 0
        self.position, self.offset, self._chain = cursor.position, cursor.offset, cursor.chain
        self.segment = cursor.segment

    def enter(self, on_bytes: OnBytes) -> Sequence[Gap]:
        """Take the lock, catch up with what others wrote, heal a torn tail.

        Returns the gaps that were healed and are not recorded yet: the caller records them before
        anything else, and says so with `gaps_recorded`. The lock is held until `leave`, and not at
        all where this raises: `IntegrityError` for a journal that is damaged or too short.
        """
        self._lock.acquire()
        try:
            if self._descriptor is not None and self._is_at_end(self._descriptor, on_bytes):
                return _NO_GAPS
            return self._catch_up(on_bytes)
        except BaseException:
            self._lock.release()
            raise

    def leave(self) -> None:
        """Let go of the lock, then verify what was followed. Raises `IntegrityError`."""
        unverified, self._unverified = self._unverified, []
        self._lock.release()
        if unverified:
            _verify(unverified)

    def gaps_recorded(self) -> None:
        """Forget the gaps that `enter` returned: they are in the journal now."""
        remove_gaps(self._folder.journal)

    def _is_at_end(self, segment: int, on_bytes: OnBytes) -> bool:
        """Whether the open segment is not sealed nor deleted, and followed to its end.

        A note that a killed writer left must go before anything is written after its offset, or
        this entry would be taken for a part of that batch.
        """
        now = monotonic()
        if now > self._trusted_until:
            if self._is_replaced():
                return False
            self._trusted_until = now + _TRUST_SECONDS
        status = fstat(segment)
        return (
            status.st_nlink > 0
            and status.st_mode & 0o200 != 0
            and not access(NAME, 0, dir_fd=self._journal)
            and (status.st_size == self.offset or self._follow(status.st_size, on_bytes))
        )

    def _follow(self, size: int, on_bytes: OnBytes) -> bool:
        """Follow what others appended to the open segment up to byte `size`, if it looks whole.

        Under the lock every microsecond counts for all writers: the last line says where the chain
        stands, and the lines up to it are verified once the lock is let go.
        """
        if self._descriptor is None or size < self.offset:
            return False
        data = os.pread(self._descriptor, size - self.offset, self.offset)
        count = data.count(b"\n")
        try:
            last = parse_line(data[data.rfind(b"\n", 0, -1) + 1 :])
        except Malformed:
            return False
        if len(data) != size - self.offset or last.position != self.position + count - 1:
            return False
        on_bytes(data)
        self._unverified.append((data, self.position, self._chain))
        self.position, self.offset, self._chain = self.position + count, size, last.chain
        return True

    @property
    def cursor(self) -> Cursor:
        """The place after everything that this writer has seen."""
        return Cursor(self.position, self.segment, self.offset, self._chain)

    def _go_to(self, cursor: Cursor) -> None:
        self.position, self.segment = cursor.position, cursor.segment
        self.offset, self._chain = cursor.offset, cursor.chain

    def _catch_up(self, on_bytes: OnBytes) -> list[Gap]:
        journal = self._folder.journal
        self._lock.renew()
        if self._descriptor is None or self._is_replaced():
            verify_place(journal, self.cursor)
        batch = read_batch(journal)
        path = segment_path(journal, batch.segment) if batch else None
        cut = batch is not None and path is not None and _size(path) < batch.end
        end = (batch.segment, batch.offset) if batch is not None and cut else None
        for line, cursor in scan(journal, self.cursor, end):
            on_bytes(line.entry)
            self._go_to(cursor)
        self._heal()
        self._enter_last_segment()
        self._heal()  # the first line of a segment that was just begun may be torn
        remove_batch(journal)
        self._open_segment()
        # A gap is recorded at the position after it, before anything else is.
        last = self.position - 1
        pending = [gap for gap in read_gaps(journal) if gap.last_good_position == last]
        if not pending:
            remove_gaps(journal)
        return pending

    def _is_replaced(self) -> bool:
        """Whether the segment that is open is not the one that others will open."""
        try:
            status = segment_path(self._folder.journal, self.segment).stat()
        except FileNotFoundError:
            return True
        return (status.st_dev, status.st_ino) != (self._device, self._inode)

    def _enter_last_segment(self) -> None:
        """Move on to a segment that a rotation began, or begin one where only sealing happened."""
        here = segment_path(self._folder.journal, self.segment)
        begun = segment_path(self._folder.journal, self.position)
        is_over = begun.exists() or (here.exists() and not here.stat().st_mode & 0o200)
        if is_over and self.segment != self.position:
            self.segment, self.offset = self.position, 0

    def _heal(self) -> None:
        """Move a torn tail into a blob, and note the gap before truncating."""
        tail = find_tail(self._folder.journal, self.cursor)
        if tail is None:
            return
        path = segment_path(self._folder.journal, tail.segment)
        with _failing_clearly():
            with path.open("rb") as file:
                file.seek(tail.offset)
                torn = file.read(tail.length)
            gap = Gap(
                segment=tail.segment,
                offset=tail.offset,
                torn_bytes=len(torn),
                last_good_position=self.position - 1,
                blob=write_blob(self._folder, torn),
            )
            known = read_gaps(self._folder.journal)
            if gap not in known:
                write_gaps(self._folder.journal, [*known, gap])
            os.truncate(path, tail.offset)

    def _open_segment(self) -> None:
        self._close_segment()
        path = segment_path(self._folder.journal, self.segment)
        is_new = not path.exists()
        with _failing_clearly():
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o644)
            status = fstat(self._descriptor)
            self._journal = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._device, self._inode = status.st_dev, status.st_ino
            if is_new and self._durable:
                sync_folder(path.parent)

    def append(self, entries: Sequence[bytes]) -> list[bytes]:
        """Write `entries` as consecutive lines, all or nothing, and return their entry hashes.

        The first one gets the position that `position` was. Only between `enter` and `leave`.
        Raises `StoreFailed` when the disk takes less than all of it.
        """
        if len(entries) == 1:
            return [self.append_one(entries[0])]
        hashes, lines, position, chain = [], [], self.position, self._chain
        for entry in entries:
            hash_ = entry_hash(entry)
            chain = chain_next(chain, hash_)
            hashes.append(hash_)
            lines.append(Line(position, chain, entry).format())
            position += 1
        data = b"".join(lines)
        if self.offset and self.offset + len(data) > self._segment_bytes:
            self._rotate()
        batch = Batch(self.segment, self.offset, len(data))
        with _failing_clearly():
            write_batch(self._folder.journal, batch, durable=self._durable)
        self._write(data)
        remove_batch(self._folder.journal)
        self.position, self.offset, self._chain = position, batch.end, chain
        return hashes

    def append_one(self, entry: bytes) -> bytes:
        """Write one entry, and return its hash: the hot path, so it calls little.

        Only between `enter` and `leave`. Raises `StoreFailed`.
        """
        hash_ = sha256(b"\x00" + entry).digest()
        chain = sha256(self._chain + hash_).digest()
        line = b"%d %s %s\n" % (self.position, chain.hex().encode(), entry)
        length = len(line)
        if self.offset and self.offset + length > self._segment_bytes:
            self._rotate()
        self._write(line)
        self.position += 1
        self.offset += length
        self._chain = chain
        return hash_

    def _rotate(self) -> None:
        """Seal the segment and begin the next.

        Sealing comes first: read-only tells the other writers to look for the next segment, and a
        crash in between leaves a sealed end that whoever comes next moves on from.
        """
        with _failing_clearly():
            segment_path(self._folder.journal, self.segment).chmod(0o444)
        self.segment, self.offset = self.position, 0
        self._open_segment()

    def _write(self, data: bytes) -> None:
        if self._descriptor is None:
            raise AssertionError("append outside exclusive")
        reason = "the disk took only a part"
        try:
            if os.write(self._descriptor, data) == len(data):
                if self._durable:
                    os.fdatasync(self._descriptor)
                return
        except OSError as error:
            reason = error.strerror or str(error)
        os.ftruncate(self._descriptor, self.offset)
        remove_batch(self._folder.journal)
        raise StoreFailed(f"cannot write {len(data)} bytes: {reason}", hint=_SPACE_HINT)

    def _close_segment(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._journal >= 0:
            os.close(self._journal)
            self._journal = -1

    def close(self) -> None:
        """Let go of the files; the next use opens them again."""
        self._close_segment()
        self._lock.close()


def _verify(blocks: Sequence[tuple[bytes, int, bytes]]) -> None:
    """Verify whole lines, each block with its first position and the chain value before it."""
    for data, first, chain in blocks:
        position, length = first, 0
        for _, _, size in follow_lines(data, first, chain):
            position, length = position + 1, length + size
        if length < len(data):
            raise IntegrityError(
                f"entry {position} is damaged", hint="run `ledger audit`", position=position
            )


@contextlib.contextmanager
def _failing_clearly() -> Iterator[None]:
    """Say which part of the record could not be written, and that nothing was."""
    try:
        yield
    except OSError as error:
        raise StoreFailed(
            f"cannot write the journal: {error.strerror or error}", hint=_SPACE_HINT
        ) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
