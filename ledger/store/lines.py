"""The journal's lines in bulk, chain checked: what is folded is what was recorded, or an error.

The hashing is done here and not in SQL: hashlib is twice as fast, and it runs in a thread of its
own while DuckDB, on the other core, loads the slice before.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from ledger.entry import MAX_ENTRY_BYTES, parse_entry
from ledger.errors import IntegrityError, Malformed
from ledger.folder import Folder
from ledger.journal.line import MAX_LINE_BYTES, extend, parse_line
from ledger.journal.segments import list_segments, segment_path
from ledger.store.place import Place, ahead

#: Bytes read at once: lines of it stay in the processor's cache while they are hashed.
_CHUNK: Final = 256 * 1024


@attrs.frozen(slots=True)
class Chunk:
    """Entries that follow one another, each column in one text: a text for each of millions costs.

    `hashes` (without `sha256:`) and `chains` have spaces in between, `entries` newlines.
    """

    first: int
    count: int
    hashes: str
    chains: str
    entries: str


@attrs.frozen(slots=True)
class Slice:
    """Everything between two places in the journal of the ledger `origin`."""

    origin: str
    before: Place
    after: Place
    chunks: list[Chunk]

    @property
    def count(self) -> int:
        """How many entries there are."""
        return self.after.position - self.before.position


@attrs.frozen(slots=True)
class Limits:
    """How much goes into one slice: it ends at a multiple of `rows`, or after about `size` bytes.

    Its rows then fill whole row groups of the database, which are written once and directly.
    """

    rows: int
    size: int


def read_slices(
    folder: Folder, place: Place, end: tuple[int, int], limits: Limits
) -> Iterator[Slice]:
    """Yield everything from `place` to `end`; each slice is read while the one before is used.

    Raises `IntegrityError` where a line is damaged, the chain breaks, or the journal is shorter.
    """
    found = read_slice(folder, place, end, limits)
    if found is None:
        return
    if (found.after.segment, found.after.offset) == end:
        yield found
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        while found is not None:
            following = pool.submit(read_slice, folder, found.after, end, limits)
            yield found
            found = following.result()


def read_slice(folder: Folder, place: Place, end: tuple[int, int], limits: Limits) -> Slice | None:
    """Whole lines after `place`, across segments; None where there are none up to `end`.

    Raises `IntegrityError` as `read_slices` does.
    """
    firsts = list_segments(folder.journal)
    if place.position and place.segment not in firsts:
        raise ahead(folder, place, f"there is no segment {place.segment:020d}")
    reading = _Reading(place, limits)
    for first in (first for first in firsts if place.segment <= first <= end[0]):
        path = segment_path(folder.journal, first)
        if first not in (reading.place.segment, reading.place.position):
            raise ahead(folder, reading.place, f"segment {first:020d} does not follow it")
        if first != reading.place.segment:
            reading.place = attrs.evolve(reading.place, segment=first, offset=0)
        limit = end[1] if first == end[0] else path.stat().st_size
        if limit < reading.place.offset:
            raise ahead(folder, place, f"segment {first:020d} has only {limit} bytes")
        reading.read(path, limit, is_last=first == end[0])
        if reading.is_full:
            break
    return Slice(folder.origin, place, reading.place, reading.chunks) if reading.chunks else None


class _Reading:
    """A slice in the making."""

    def __init__(self, place: Place, limits: Limits) -> None:
        self.place = place
        self.chunks: list[Chunk] = []
        self._rows = limits.rows - place.position % limits.rows
        self._size = limits.size

    @property
    def is_full(self) -> bool:
        """Whether the slice has reached one of its limits."""
        return self._size <= 0 or self._rows <= 0

    def read(self, path: Path, limit: int, *, is_last: bool) -> None:
        """Take lines of a segment from the place on, up to byte `limit` or until full."""
        with path.open("rb") as file:
            file.seek(self.place.offset)
            unread, rest = limit - self.place.offset, b""
            while unread > 0 and not self.is_full:
                data = file.read(min(_CHUNK, unread, max(self._size, 1)))
                if not data:
                    break
                unread -= len(data)
                data = rest + data
                whole = data.rfind(b"\n")
                rest = data[whole + 1 :]
                if whole >= 0:
                    self._take(data[:whole].split(b"\n"))
                elif len(rest) > MAX_LINE_BYTES:
                    break
            if rest and not self.is_full and not (is_last and _is_torn(file, limit)):
                raise damaged(self.place.position)

    def _take(self, lines: list[bytes]) -> None:
        del lines[self._rows :]
        size = sum(map(len, lines)) + len(lines)
        self._rows -= len(lines)
        self._size -= size
        first, chain = self.place.position, bytes.fromhex(self.place.chain)
        chunk = _follow(lines, first, chain)
        if chunk is None:
            raise damaged(_first_bad(lines, first, chain))
        self.chunks.append(chunk)
        self.place = Place(
            first + len(lines), self.place.segment, self.place.offset + size, chunk.chains[-64:]
        )


def _follow(lines: list[bytes], first: int, chain: bytes) -> Chunk | None:
    """The entries of lines that stand at positions from `first` on; None where one does not fit.

    `ledger.journal.line.extend`, written out: this loop is a fourth of the cost of folding.
    """
    sha256 = hashlib.sha256
    numbers, stated, entries, leaves, links = [], [], [], [], []
    try:
        for line in lines:
            number, link, entry = line.split(b" ", 2)
            leaf = sha256(b"\x00" + entry).digest()
            chain = sha256(chain + leaf).digest()
            numbers.append(number)
            stated.append(link)
            entries.append(entry)
            leaves.append(leaf)
            links.append(chain)
        text = b"\n".join(entries).decode()
    except ValueError:  # no line, or not UTF-8
        return None
    chains = b"".join(links).hex(" ", 32)
    expected = " ".join(map(str, range(first, first + len(lines))))
    fits = b" ".join(stated) == chains.encode() and b" ".join(numbers) == expected.encode()
    if not fits or max(map(len, entries)) > MAX_ENTRY_BYTES:
        return None
    return Chunk(first, len(lines), b"".join(leaves).hex(" ", 32), chains, text)


def _first_bad(lines: list[bytes], first: int, chain: bytes) -> int:
    """Position of the first line that does not fit."""
    for position, data in enumerate(lines, first):
        try:
            line = parse_line(data + b"\n")
            line.entry.decode()
        except (Malformed, UnicodeDecodeError):
            return position
        chain = extend(chain, line.entry)
        if (line.position, line.chain) != (position, chain):
            return position
    raise AssertionError("every line fits")


def _is_torn(file: BinaryIO, limit: int) -> bool:
    """Whether there is no newline from here to byte `limit`: a crash leaves a part of a line."""
    while file.tell() < limit:
        data = file.read(min(_CHUNK, limit - file.tell()))
        if not data or b"\n" in data:
            return not data
    return True


def damaged(position: int) -> IntegrityError:
    """The error for a line that is not what was recorded at `position`."""
    return IntegrityError(
        f"entry {position} is damaged or out of order",
        hint="run `ledger audit`; restore the segment from a copy if there is one",
        position=position,
    )


def first_malformed(slice_: Slice) -> int | None:
    """Position of the first entry that is none, read strictly; None where all are sound."""
    for chunk in slice_.chunks:
        for position, entry in enumerate(chunk.entries.split("\n"), chunk.first):
            try:
                parse_entry(entry.encode())
            except Malformed:
                return position
    return None
