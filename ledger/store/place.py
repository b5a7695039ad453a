"""Up to where a database is folded, and whether the journal still has what was folded."""

import contextlib

import attrs

from ledger.errors import IntegrityError, Malformed
from ledger.folder import Folder
from ledger.journal.line import MAX_LINE_BYTES, parse_line
from ledger.journal.segments import list_segments, segment_path


@attrs.frozen(slots=True)
class Place:
    """Between two lines: the next position, the segment and its byte where that line begins.

    `chain` is the chain value of the line before, in hex.
    """

    position: int
    segment: int
    offset: int
    chain: str


def check_place(folder: Folder, place: Place) -> None:
    """Raise `IntegrityError` where the journal's line before `place` is not the one folded."""
    if place.position == 0:
        return
    segment, end = place.segment, place.offset
    if end == 0:  # at the beginning of a segment: the line is the last of the one before
        earlier = [first for first in list_segments(folder.journal) if first < segment]
        segment = earlier[-1] if earlier else segment
        path = segment_path(folder.journal, segment)
        end = path.stat().st_size if path.exists() else 0
    path = segment_path(folder.journal, segment)
    if not path.exists() or path.stat().st_size < end:
        raise ahead(folder, place, f"segment {segment:020d} is missing or shorter")
    with path.open("rb") as file:
        file.seek(max(0, end - MAX_LINE_BYTES))
        before = file.read(end - file.tell())
    last = before[before.rfind(b"\n", 0, -1) + 1 :]
    if not last.startswith(f"{place.position - 1} {place.chain} ".encode()):
        raise ahead(folder, place, f"entry {place.position - 1} is another than the one it holds")


def ahead(folder: Folder, place: Place, what: str) -> IntegrityError:
    """The error for a database that holds what the journal has no more."""
    end = _last_position(folder)
    ends = "has no whole line at its end" if end is None else f"ends with position {end}"
    return IntegrityError(
        f"the database holds entries up to position {place.position - 1}, the journal {ends}: "
        f"{what}",
        hint="the journal lost entries: restore it from a copy; nothing was changed",
        position=place.position,
    )


def _last_position(folder: Folder) -> int | None:
    """The position that the journal's last whole line states."""
    for first in reversed(list_segments(folder.journal)):
        with segment_path(folder.journal, first).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 2 * MAX_LINE_BYTES))
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        if whole:
            with contextlib.suppress(Malformed):
                return parse_line(whole[whole.rfind(b"\n", 0, -1) + 1 :]).position
            return None
    return None


def bytes_before(folder: Folder, place: tuple[int, int]) -> int:
    """Bytes of the journal before a place, given as (segment, offset)."""
    segment, offset = place
    sizes = (
        segment_path(folder.journal, first).stat().st_size
        for first in list_segments(folder.journal)
        if first < segment
    )
    return sum(sizes) + offset
