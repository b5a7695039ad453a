"""What an exporter is: a format in which a record, or an answer of it, can be taken elsewhere.

A member writes to a file that has another name until it is whole (`target.py`), or to stdout where
the format can be written from front to back. The same record gives the same bytes.
"""

from collections.abc import Callable, Mapping
from typing import BinaryIO, Final

import attrs

from ledger.errors import IntegrityError, Malformed
from ledger.folder import Folder
from ledger.journal.line import MAX_LINE_BYTES, parse_line
from ledger.journal.reader import committed_end
from ledger.journal.segments import segment_path

#: Told (done, in all).
Progress = Callable[[int, int], None]


@attrs.frozen(slots=True, kw_only=True)
class Selection:
    """What to take out: entries of the positions from `first` up to but not with `end`."""

    folder: Folder
    first: int
    end: int
    blobs: str
    """none, evidence or all (spec/formats/export.md)."""
    table: str | None
    """The table to take out; null for the entries."""
    query: str | None
    """The named query to take out; null for the entries."""
    parameters: Mapping[str, str]
    """Parameters of the query."""


@attrs.frozen(slots=True, kw_only=True)
class Written:
    """What was taken out, and at which checkpoint (`chain` is the hex value at its end)."""

    rows: int
    blobs: int
    left_out: int
    """Committed values that stay at home, or were withheld."""
    chain: str


@attrs.frozen(slots=True, kw_only=True)
class Exporter:
    """One format. `write` gets a file of the disk unless `streams`; it may not seek then."""

    name: str
    """What --format calls it; a file name that ends in a dot and this asks for it."""
    summary: str
    """What it is, in a line."""
    streams: bool
    """Whether it can go to stdout."""
    takes_blobs: bool
    """Whether evidence travels in it."""
    takes_tables: bool
    """Whether it can hold a table or a query's answer instead of the entries."""
    write: Callable[[Selection, BinaryIO, Progress], Written]
    """Raises `IntegrityError` where journal or evidence is damaged, `StoreFailed`."""


_WINDOW_BYTES: Final = 4 * MAX_LINE_BYTES


def journal_end(folder: Folder) -> int:
    """The position after the last entry, read from the end of the journal.

    Raises `IntegrityError` where the last line is damaged.
    """
    segment, end = committed_end(folder.journal, folder.lock)
    path = segment_path(folder.journal, segment)
    if end == 0 or not path.exists():
        return segment
    with path.open("rb") as file:
        # What a crash left behind the last whole line may be long: NUL bytes of a grown file.
        while end > 0:
            start = max(0, end - _WINDOW_BYTES)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                file.seek(max(0, start + found + 1 - MAX_LINE_BYTES))
                data = file.read(start + found + 1 - file.tell())
                return _position(data[data.rfind(b"\n", 0, -1) + 1 :], segment) + 1
            end = start
    return segment


def _position(line: bytes, segment: int) -> int:
    try:
        return parse_line(line).position
    except Malformed as error:
        raise IntegrityError(
            f"the last line of segment {segment:020d} is damaged", hint="run `ledger audit`"
        ) from error
