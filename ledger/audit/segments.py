"""The raw segments: their ranges, each of whole lines, that can be read in any order.

Each line states its position and the chain value after it. So a range can be verified alone, from
what the line before it states: the journal is sound where every range is, and they join.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from ledger.audit.order import Order
from ledger.errors import IntegrityError, Malformed, StoreFailed
from ledger.folder import Folder
from ledger.journal.batch import read_batch
from ledger.journal.line import MAX_LINE_BYTES, chain_start, parse_line
from ledger.journal.lock import shared
from ledger.journal.segments import segment_path

_SEGMENT: Final = re.compile(r"([0-9]{20})\.log")
#: Bytes that one process reads at a time: some forty thousand training steps.
RANGE_BYTES: Final = 16 * 1024 * 1024
#: No view has rows of higher positions, whatever a damaged line says.
_MOST: Final = 2**62


@attrs.frozen(slots=True, kw_only=True)
class Range:
    """Whole lines of one segment: the bytes from `start` up to `end`.

    `order` is what may come first, if all before is as the line before says; null where that line
    cannot be read. `rows`: the positions, from the first up to the second, whose rows in a view
    this range answers for; every position belongs to one range.
    """

    number: int
    segment: int
    start: int
    end: int
    order: Order | None
    rows: tuple[int, int]

    def read(self, journal: Path) -> bytes:
        """The bytes. Raises `StoreFailed`."""
        with open_segment(journal, self.segment) as file:
            file.seek(self.start)
            return file.read(self.end - self.start)


@attrs.frozen(slots=True, kw_only=True)
class Layout:
    """The ranges of a journal in their order, and what stands after its last whole line."""

    ranges: tuple[Range, ...]
    size: int
    torn: int
    is_cut: bool


def lay_out(folder: Folder, range_bytes: int = RANGE_BYTES) -> Layout:
    """Find the ranges of a journal as it ends now.

    Raises `IntegrityError` where there is no journal, `StoreFailed` where it cannot be read.
    """
    firsts = list_segments(folder.journal)
    sizes, torn, is_cut = _sizes(folder, firsts)
    ranges: list[Range] = []
    order: Order | None = Order.after(0, chain_start(folder.origin))
    low = 0
    for first in firsts:
        with open_segment(folder.journal, first) as file:
            start, size = 0, sizes[first]
            while True:
                end = _line_end(file, min(start + range_bytes, size), size)
                following = _order_at(file, end) if end else order
                high = max(low, min(following.position, _MOST) if following else low)
                ranges.append(
                    Range(
                        number=len(ranges),
                        segment=first,
                        start=start,
                        end=end,
                        order=order,
                        rows=(low, high),
                    )
                )
                order, low, start = following, high, end
                if end >= size:
                    break
    return Layout(ranges=tuple(ranges), size=sum(sizes.values()), torn=torn, is_cut=is_cut)


def list_segments(journal: Path) -> list[int]:
    """First positions of all segments, ascending. Raises `IntegrityError`, `StoreFailed`."""
    try:
        names = [path.name for path in journal.iterdir()]
    except FileNotFoundError as error:
        raise IntegrityError(
            f"the journal is missing: there is no folder {journal}",
            hint="restore it from a copy; everything else can be rebuilt from it",
        ) from error
    except OSError as error:
        raise StoreFailed(
            f"cannot read {journal}: {error.strerror}", hint="check the permissions"
        ) from error
    return sorted(int(match[1]) for name in names if (match := _SEGMENT.fullmatch(name)))


def open_segment(journal: Path, first: int) -> BinaryIO:
    """Open a segment to read. Raises `StoreFailed`."""
    path = segment_path(journal, first)
    try:
        return path.open("rb")
    except OSError as error:
        raise StoreFailed(
            f"cannot read {path}: {error.strerror}", hint="check the permissions"
        ) from error


def _sizes(folder: Folder, firsts: list[int]) -> tuple[dict[int, int], int, bool]:
    """Bytes of each segment that count, bytes torn off the last, whether a batch was cut there.

    Asked under the shared lock, so that no writer is between writing and truncating back.
    """
    with shared(folder.lock):
        sizes = {first: segment_path(folder.journal, first).stat().st_size for first in firsts}
        batch = read_batch(folder.journal)
    if not firsts:
        return sizes, 0, False
    last = firsts[-1]
    size = sizes[last]
    is_cut = batch is not None and batch.segment == last and batch.offset < size < batch.end
    if batch is not None and is_cut:
        sizes[last] = batch.offset
    else:
        with open_segment(folder.journal, last) as file:
            sizes[last] = _whole(file, size)
    return sizes, size - sizes[last], is_cut


def _whole(file: BinaryIO, size: int) -> int:
    """The byte after the last newline before `size`."""
    end = size
    while end > 0:
        start = max(0, end - MAX_LINE_BYTES)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _line_end(file: BinaryIO, at: int, size: int) -> int:
    """The end of the line that byte `at` falls into, or `at` where a line begins there."""
    if at in (0, size):
        return at
    file.seek(at - 1)
    for piece in _pieces(file):
        found = piece.find(b"\n")
        if found >= 0:
            return min(at + found, size)
        at += len(piece)
    return size


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(MAX_LINE_BYTES):
        yield piece


def _order_at(file: BinaryIO, end: int) -> Order | None:
    """What may follow the line that ends at byte `end`, by what it states; null if unreadable."""
    start = max(0, end - MAX_LINE_BYTES)
    file.seek(start)
    data = file.read(end - start)
    try:
        line = parse_line(data[data.rfind(b"\n", 0, -1) + 1 :])
    except Malformed:
        return None
    return Order.after(line.position + 1, line.chain)
