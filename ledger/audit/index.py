"""Where in the journal each entry stands, and what it cites: all that the audit keeps of an entry.

Of plain entries, which are nearly all of ten million, eight bytes of the hash are kept. Someone
could make two entries with the same eight bytes; so what is found by them is read again and
compared in full. Of the others the whole hash is kept, and where the line begins.
"""

import itertools
import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs

from ledger.audit.base import Block
from ledger.audit.branches import Branches
from ledger.audit.lines import entry_of, split_lines
from ledger.audit.segments import Range, open_segment
from ledger.entry import Entry, entry_hash, parse_entry
from ledger.errors import Malformed
from ledger.folder import Folder
from ledger.journal.line import MAX_LINE_BYTES, parse_line

#: A line of a range and a hash: its index, the byte of the segment where it begins, 32 bytes.
_ROW: Final = struct.Struct("=QQ32s")
#: In eight bytes: how long a row is, where its hash begins, how long a hash is.
_WIDTH, _AT, _HASH = _ROW.size // 8, 2, 4
#: Hashes that are looked for in one pass over the index.
_BATCH: Final = 250_000


@attrs.frozen(slots=True, order=True)
class Place:
    """A line: the `index`-th of a range, at byte `offset` of its segment. Ordered as they stand."""

    range: int
    index: int
    offset: int


@attrs.frozen(slots=True, kw_only=True)
class Read:
    """An entry, read again from its place."""

    position: int
    hash: bytes
    entry: Entry


def pack_prefixes(hashes: bytes) -> bytes:
    """The first eight bytes of each hash."""
    return memoryview(hashes).cast("Q")[::_HASH].tobytes()


def pack_rows(rows: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Rows of (index, offset, hash)."""
    return b"".join(_ROW.pack(*row) for row in rows)


class Index:
    """Every entry of the journal by hash, and every citation. Filled range by range in order."""

    def __init__(self, folder: Folder) -> None:
        self.branches = Branches()
        #: The last position of the journal; -1 where it is empty.
        self.last = -1
        #: Reads the range that is being merged again.
        self.block: Callable[[], Block] = _nothing
        self._journal = folder.journal
        self._ranges: list[Range] = []
        self._prefixes: list[bytes] = []
        self._others: list[bytes] = []
        self._citations: list[bytes] = []
        self._dangling: list[tuple[Place, bytes]] | None = None

    def add(
        self,
        range_: Range,
        *,
        prefixes: bytes,
        others: bytes,
        citations: bytes,
        block: Callable[[], Block],
    ) -> None:
        """Take the next range: of all its lines the prefixes, of those not plain the rows."""
        self._ranges.append(range_)
        self._prefixes.append(prefixes)
        self._others.append(others)
        self._citations.append(citations)
        self.block = block

    def find(self, hashes: Iterable[bytes]) -> dict[bytes, Place]:
        """The first place of each hash; one that no entry has is left out."""
        found: dict[bytes, Place] = {}
        wanted = list(hashes)
        for start in range(0, len(wanted), _BATCH):
            missing = set(wanted[start : start + _BATCH])
            self._find_others(missing, found)
            self._find_plain(missing, found)
        return found

    def _find_others(self, missing: set[bytes], found: dict[bytes, Place]) -> None:
        prefixes = set(map(_prefix, missing))
        for number, packed in enumerate(self._others):
            column = memoryview(packed).cast("Q")[_AT::_WIDTH]
            if prefixes.isdisjoint(column):
                continue
            for index, offset, hash_ in _ROW.iter_unpack(packed):
                if hash_ in missing:
                    found[hash_] = Place(number, index, offset)
                    missing.discard(hash_)

    def _find_plain(self, missing: set[bytes], found: dict[bytes, Place]) -> None:
        prefixes = set(map(_prefix, missing))
        for number, packed in enumerate(self._prefixes):
            if not missing:
                return
            column = array("Q", packed)
            if prefixes.isdisjoint(column):
                continue
            offset = self._ranges[number].start
            lines = split_lines(self._ranges[number].read(self._journal))
            for index, (prefix, line) in enumerate(zip(column, lines, strict=True)):
                hash_ = entry_hash(entry_of(line)) if prefix in prefixes else b""
                if hash_ in missing:
                    found[hash_] = Place(number, index, offset)
                    missing.discard(hash_)
                offset += len(line)

    def citations(self) -> Iterator[tuple[Place, bytes]]:
        """(place of the entry, hash that it cites), in the order of the journal."""
        for number, packed in enumerate(self._citations):
            for index, offset, cited in _ROW.iter_unpack(packed):
                yield Place(number, index, offset), cited

    def dangling(self) -> list[tuple[Place, bytes]]:
        """The citations of what was not recorded before, in the order of the journal."""
        if self._dangling is None:
            self._dangling = list(self._find_dangling())
        return self._dangling

    def _find_dangling(self) -> Iterator[tuple[Place, bytes]]:
        waiting = self.citations()
        while citations := list(itertools.islice(waiting, _BATCH)):
            found = self.find({cited for _, cited in citations})
            for place, cited in citations:
                if cited not in found or found[cited] >= place:
                    yield place, cited

    def read(self, place: Place) -> Read | None:
        """The entry at a place; null where the line there is none. Raises `StoreFailed`."""
        with open_segment(self._journal, self._ranges[place.range].segment) as file:
            file.seek(place.offset)
            data = file.readline(MAX_LINE_BYTES + 1)
        try:
            line = parse_line(data)
            entry = parse_entry(line.entry)
        except Malformed:
            return None
        return Read(position=line.position, hash=entry_hash(line.entry), entry=entry)


def _prefix(hash_: bytes) -> int:
    return int.from_bytes(hash_[:8], sys.byteorder)


def _nothing() -> Block:
    raise AssertionError("no range was added")
