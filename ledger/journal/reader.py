"""Reading a journal from a cursor on, with the chain checked line by line.

Readers never heal. What a crashed writer left at the end is reported as a `Tail` and left alone;
damage anywhere else is an `IntegrityError` that names the position.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from ledger.errors import IntegrityError, Malformed, StoreFailed
from ledger.journal.batch import read_batch
from ledger.journal.line import MAX_LINE_BYTES, Line, extend, follow_lines, parse_line
from ledger.journal.lock import shared
from ledger.journal.segments import Cursor, list_segments, segment_path

#: Read at once; longer than any line.
_BLOCK_BYTES: Final = 1 << 20
_HINT: Final = "run `ledger audit`; restore the segment from a copy if there is one"


@attrs.frozen(slots=True)
class Tail:
    """Bytes after the last whole line: `length` of them in `segment` from `offset` on."""

    segment: int
    offset: int
    length: int


def committed_end(journal: Path, lock: Path) -> tuple[int, int]:
    """(segment, byte offset) up to which everything was acknowledged or is about to be.

    Asked under the shared lock, so that no writer is between writing and truncating back. The
    last line may still be torn by a crash; `scan` stops before it.
    """
    with shared(lock):
        firsts = list_segments(journal)
        if not firsts:
            return 0, 0
        batch = read_batch(journal)
        size = segment_path(journal, firsts[-1]).stat().st_size
        if batch is not None and batch.segment == firsts[-1] and size < batch.end:
            return batch.segment, batch.offset
        return firsts[-1], size


def scan(
    journal: Path, start: Cursor, end: tuple[int, int] | None = None
) -> Iterator[tuple[Line, Cursor]]:
    """Yield each whole line from `start` to `end` with the cursor after it, chain verified.

    Stops quietly before a torn tail (see `find_tail`). Raises `IntegrityError` where a line that
    others follow is damaged, where the chain breaks, or where a segment is missing.
    """
    cursor = start
    firsts = list_segments(journal)
    if start.offset > 0 and start.segment not in firsts:
        raise _ahead(journal, start)
    for first in (first for first in firsts if first >= start.segment):
        if end is not None and first > end[0]:
            return
        if first != cursor.segment:
            if first != cursor.position:
                raise IntegrityError(
                    f"segment {first:020d} does not follow position {cursor.position - 1}",
                    hint=_HINT,
                    position=cursor.position,
                )
            cursor = Cursor(cursor.position, first, 0, cursor.chain)
        limit = end[1] if end is not None and first == end[0] else None
        for item in _scan_segment(journal, cursor, limit, is_last=first == firsts[-1]):
            cursor = item[1]
            yield item


def verify_place(journal: Path, cursor: Cursor) -> None:
    """Raise `IntegrityError` unless the line before `cursor` is in the journal, chain and all.

    Asked when a view is opened: then a journal that lost entries, or another one put in its place,
    is noticed before anything is written after it.
    """
    if cursor.position == 0:
        return
    before = [first for first in list_segments(journal) if first < cursor.position]
    if cursor.offset > 0:
        segment, end = cursor.segment, cursor.offset
    else:
        segment = before[-1] if before else 0
        end = _size(journal, segment)
    line = _line_before(journal, segment, end)
    if line is None or (line.position, line.chain) != (cursor.position - 1, cursor.chain):
        raise _ahead(journal, cursor)


def _ahead(journal: Path, start: Cursor) -> IntegrityError:
    firsts = list_segments(journal)
    line = _line_before(journal, firsts[-1], _size(journal, firsts[-1])) if firsts else None
    ends = f"ends with position {line.position}" if line else "has no whole line at its end"
    return IntegrityError(
        f"a view of this ledger has seen the journal up to position {start.position - 1}, "
        f"but the journal {ends} or says something else there",
        hint="the journal lost entries: restore it from a copy before going on",
        position=start.position,
    )


def _line_before(journal: Path, segment: int, end: int) -> Line | None:
    """The whole line that ends at byte `end` of `segment`, or None where there is none."""
    if _size(journal, segment) < end:
        return None
    with _open(segment_path(journal, segment)) as file:
        file.seek(max(0, end - MAX_LINE_BYTES))
        data = file.read(end - file.tell())
    try:
        return parse_line(data[data.rfind(b"\n", 0, -1) + 1 :])
    except Malformed:
        return None


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise StoreFailed(
            f"cannot read the journal: {error.strerror}",
            hint="check the permissions of the ledger's folder",
        ) from error


def _size(journal: Path, segment: int) -> int:
    path = segment_path(journal, segment)
    return path.stat().st_size if path.exists() else 0


def _scan_segment(
    journal: Path, start: Cursor, limit: int | None, *, is_last: bool
) -> Iterator[tuple[Line, Cursor]]:
    cursor = start
    with _open(segment_path(journal, start.segment)) as file:
        size = file.seek(0, 2) if limit is None else limit
        if size < start.offset:
            raise _ahead(journal, start)
        while cursor.offset < size:
            before = cursor
            for item in _scan_block(file, cursor, size):
                cursor = item[1]
                yield item
            if cursor != before:
                continue
            following = _read_line(file, cursor)  # a writer may just have been healing
            if following is None:
                if is_last and is_torn(file, cursor.offset):
                    return
                raise IntegrityError(
                    f"entry {cursor.position} is damaged "
                    f"(segment {cursor.segment:020d}, byte {cursor.offset})",
                    hint=_HINT,
                    position=cursor.position,
                )
            if following[1].offset > size:
                return
            cursor = following[1]
            yield following


def _scan_block(file: BinaryIO, cursor: Cursor, size: int) -> Iterator[tuple[Line, Cursor]]:
    """The lines that fit among the next bytes, up to byte `size`."""
    file.seek(cursor.offset)
    data = file.read(min(_BLOCK_BYTES, size - cursor.offset))
    position, offset = cursor.position, cursor.offset
    for entry, chain, length in follow_lines(data, position, cursor.chain):
        if not (entry.startswith(b"{") and entry.endswith(b"}")):
            return
        line = Line(position, chain, entry)
        position, offset = position + 1, offset + length
        yield line, Cursor(position, cursor.segment, offset, chain)


def _read_line(file: BinaryIO, cursor: Cursor) -> tuple[Line, Cursor] | None:
    """The line at the cursor, if it fits."""
    file.seek(cursor.offset)
    return _follow(cursor, file.readline(MAX_LINE_BYTES + 1))


def _follow(cursor: Cursor, data: bytes) -> tuple[Line, Cursor] | None:
    """The line in `data` and the cursor after it, or None where it does not fit the chain."""
    try:
        line = parse_line(data)
    except Malformed:
        return None
    chain = extend(cursor.chain, line.entry)
    if line.position != cursor.position or line.chain != chain:
        return None
    offset = cursor.offset + len(data)
    return line, Cursor(cursor.position + 1, cursor.segment, offset, chain)


def is_torn(file: BinaryIO, offset: int) -> bool:
    """Whether what lies from `offset` to the end is what a crash leaves, not damage.

    A crash leaves a part of a line, or NUL bytes to the very end where the file grew and its pages
    were not written. Neither has a newline: a bad line that ends in one is damage.
    """
    file.seek(offset)
    while data := file.readline(MAX_LINE_BYTES + 1):
        if data.endswith(b"\n"):
            return False
    return True


def find_tail(journal: Path, end: Cursor) -> Tail | None:
    """The bytes that a crash left after `end`, the cursor where `scan` stopped; None if none."""
    path = segment_path(journal, end.segment)
    if not path.exists():
        return None
    length = path.stat().st_size - end.offset
    return Tail(end.segment, end.offset, length) if length else None
