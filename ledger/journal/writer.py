"""Appending to the journal, under the lock, in one `write()` of whole lines.

What `append` returned is written: `kill -9` cannot take it back, and with `durable` neither can a
power cut. A write that falls short (full disk, file-size limit) is truncated back and raised, so
nothing half-written stays. A torn tail that a crash left is moved into a blob by the next writer.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from ledger.blobs import write_blob
from ledger.errors import StoreFailed
from ledger.folder import Folder
from ledger.journal.batch import NAME, Batch, read_batch, remove_batch, sync_folder, write_batch
from ledger.journal.gap import Gap, read_gaps, remove_gaps, write_gaps
from ledger.journal.line import Line, extend
from ledger.journal.lock import WriterLock
from ledger.journal.reader import find_tail, scan, verify_place
from ledger.journal.segments import SEGMENT_BYTES, Cursor, segment_path

_SPACE_HINT: Final = "nothing was recorded; check the space and permissions, then try again"


class Writer:
    """One process's place at the end of a journal. `exclusive` first, then `append`."""

    def __init__(
        self, folder: Folder, cursor: Cursor, *, durable: bool, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self._folder = folder
        self._durable = durable
        self._segment_bytes = segment_bytes
        self._lock = WriterLock(folder.lock)
        self._note_path = os.fspath(folder.journal / NAME)
        self._descriptor: int | None = None
        self.cursor = cursor

    @contextlib.contextmanager
    def exclusive(self, on_line: Callable[[Line, Cursor], None]) -> Iterator[list[Gap]]:
        """Hold the lock, catch up with what others wrote (`on_line` sees it), heal a torn tail.

        Yields the gaps that were healed and are not recorded yet. The caller records them before
        anything else, and says so with `gaps_recorded`. Raises `IntegrityError` where the journal
        is damaged or shorter than it was.
        """
        with self._lock.hold():
            yield [] if self._is_at_end() else self._catch_up(on_line)

    def gaps_recorded(self) -> None:
        """Forget the gaps that `exclusive` yielded: they are in the journal now."""
        remove_gaps(self._folder.journal)

    def _is_at_end(self) -> bool:
        """Whether no one else has written: same size, not sealed, not replaced, no batch note.

        A note that a killed writer left must go before anything is written after its offset, or
        this entry would be taken for a part of that batch.
        """
        if self._descriptor is None:
            return False
        status = os.fstat(self._descriptor)
        return (
            status.st_size == self.cursor.offset
            and bool(status.st_mode & 0o200)
            and status.st_nlink > 0
            and not os.access(self._note_path, os.F_OK)
        )

    def _catch_up(self, on_line: Callable[[Line, Cursor], None]) -> list[Gap]:
        journal = self._folder.journal
        if self._descriptor is None or os.fstat(self._descriptor).st_nlink == 0:
            verify_place(journal, self.cursor)
        batch = read_batch(journal)
        path = segment_path(journal, batch.segment) if batch else None
        cut = batch is not None and path is not None and _size(path) < batch.end
        end = (batch.segment, batch.offset) if batch is not None and cut else None
        for line, cursor in scan(journal, self.cursor, end):
            on_line(line, cursor)
            self.cursor = cursor
        self._heal()
        self._enter_last_segment()
        self._heal()  # the first line of a segment that was just begun may be torn
        remove_batch(journal)
        self._open_segment()
        # A gap is recorded at the position after it, before anything else is.
        last = self.cursor.position - 1
        pending = [gap for gap in read_gaps(journal) if gap.last_good_position == last]
        if not pending:
            remove_gaps(journal)
        return pending

    def _enter_last_segment(self) -> None:
        """Move on to a segment that a rotation began, or begin one where only sealing happened."""
        here = segment_path(self._folder.journal, self.cursor.segment)
        begun = segment_path(self._folder.journal, self.cursor.position)
        is_over = begun.exists() or (here.exists() and not here.stat().st_mode & 0o200)
        if is_over and self.cursor.segment != self.cursor.position:
            self.cursor = attrs.evolve(self.cursor, segment=self.cursor.position, offset=0)

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
                last_good_position=self.cursor.position - 1,
                blob=write_blob(self._folder, torn),
            )
            known = read_gaps(self._folder.journal)
            if gap not in known:
                write_gaps(self._folder.journal, [*known, gap])
            os.truncate(path, tail.offset)

    def _open_segment(self) -> None:
        self._close_segment()
        path = segment_path(self._folder.journal, self.cursor.segment)
        is_new = not path.exists()
        with _failing_clearly():
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o644)
            if is_new and self._durable:
                sync_folder(path.parent)

    def append(self, entries: Sequence[bytes]) -> list[Line]:
        """Write `entries` as consecutive lines, all or nothing, and return them.

        Only within `exclusive`. Raises `StoreFailed` when the disk takes less than all of it.
        """
        lines, position, chain = [], self.cursor.position, self.cursor.chain
        for entry in entries:
            chain = extend(chain, entry)
            lines.append(Line(position, chain, entry))
            position += 1
        data = b"".join(line.format() for line in lines)
        if self.cursor.offset and self.cursor.offset + len(data) > self._segment_bytes:
            self._rotate()
        batch = Batch(self.cursor.segment, self.cursor.offset, len(data))
        if len(lines) > 1:
            with _failing_clearly():
                write_batch(self._folder.journal, batch, durable=self._durable)
        self._write(data)
        if len(lines) > 1:
            remove_batch(self._folder.journal)
        self.cursor = Cursor(position, batch.segment, batch.end, chain)
        return lines

    def _rotate(self) -> None:
        """Seal the segment and begin the next.

        Sealing comes first: read-only tells the other writers to look for the next segment, and a
        crash in between leaves a sealed end that whoever comes next moves on from.
        """
        with _failing_clearly():
            segment_path(self._folder.journal, self.cursor.segment).chmod(0o444)
        self.cursor = attrs.evolve(self.cursor, segment=self.cursor.position, offset=0)
        self._open_segment()

    def _write(self, data: bytes) -> None:
        if self._descriptor is None:
            raise AssertionError("append outside exclusive")
        reason = "the disk took only a part"
        try:
            written = os.write(self._descriptor, data)
            if written == len(data):
                if self._durable:
                    os.fdatasync(self._descriptor)
                return
        except OSError as error:
            reason = error.strerror or str(error)
        os.ftruncate(self._descriptor, self.cursor.offset)
        remove_batch(self._folder.journal)
        raise StoreFailed(f"cannot write {len(data)} bytes: {reason}", hint=_SPACE_HINT)

    def _close_segment(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def close(self) -> None:
        """Let go of the files; the next use opens them again."""
        self._close_segment()
        self._lock.close()


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
