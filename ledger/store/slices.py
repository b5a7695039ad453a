"""From journal bytes to rows, in bulk.

A slice of whole lines is read by DuckDB as a CSV file of one column: no quote, no escape, and a
delimiter that cannot occur (JSON escapes control characters). That keeps the exact bytes, where a
JSON reader would change numbers.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import attrs

from ledger.entry import parse_entry
from ledger.errors import IntegrityError, Malformed, StoreFailed
from ledger.folder import Folder
from ledger.journal.line import MAX_LINE_BYTES, extend, parse_line
from ledger.journal.segments import list_segments, segment_path
from ledger.projections import PROJECTIONS
from ledger.store.schema import known_versions

if TYPE_CHECKING:
    import duckdb

#: Bytes folded in one transaction: about half a second.
SLICE_BYTES: Final = 16 * 1024 * 1024

_READ: Final = """
create temp table arrived as
with lines as (
    select line, instr(line, ' ') as gap
    from read_csv($path, columns = {'line': 'VARCHAR'}, auto_detect = false, header = false,
                  delim = chr(1), quote = '', escape = '', new_line = '\\n', nullstr = chr(2),
                  max_line_size = 1048576, parallel = false)
),
split as (
    select substr(line, 1, gap - 1)::ubigint as position, substr(line, gap + 1, 64) as chain,
           substr(line, gap + 66) as entry
    from lines
)
select position, 'sha256:' || sha256('\\x00'::blob || encode(entry)) as hash, chain,
       entry->>'$.origin' as origin, entry->>'$.branch' as branch, entry->>'$.stream' as stream,
       (entry->>'$.stream_version')::ubigint as stream_version, entry->>'$.kind' as kind,
       (entry->>'$.schema_version')::ubigint as schema_version,
       make_timestamp((entry->>'$.recorded_at')::bigint) as recorded_at,
       entry->>'$.actor' as actor, from_json(entry->'$.cites', '["VARCHAR"]') as cites, entry
from split order by position
"""

#: Lines whose chain value is not the one that the line before and the entry give: a journal that
#: was changed is not served as the record, not even once.
_BROKEN_CHAIN: Final = """
select count(*) from (
    select chain, hash, lag(chain, 1, $chain) over (order by position) as before from arrived
) where chain <> sha256(unhex(before) || unhex(substr(hash, 8)))
"""


@attrs.frozen(slots=True)
class Place:
    """Up to where a database is folded: the next position, and where its line begins."""

    position: int
    segment: int
    offset: int
    chain: str


def next_slice(folder: Folder, place: Place, end: tuple[int, int]) -> tuple[bytes, Place] | None:
    """Whole lines after `place`, at most `SLICE_BYTES` and up to `end`; None where there are none.

    The returned place has the new segment and offset; position and chain are set by `load`.
    Raises `IntegrityError` where the journal is shorter than what was folded.
    """
    firsts = list_segments(folder.journal)
    if place.position and place.segment not in firsts:
        raise _ahead(folder, place, f"there is no segment {place.segment:020d}")
    for first in (first for first in firsts if place.segment <= first <= end[0]):
        if first not in (place.segment, place.position):
            raise _ahead(folder, place, f"segment {first:020d} does not follow it")
        offset = place.offset if first == place.segment else 0
        path = segment_path(folder.journal, first)
        limit = end[1] if first == end[0] else path.stat().st_size
        if limit < offset:
            raise _ahead(folder, place, f"segment {first:020d} has only {limit} bytes")
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(min(SLICE_BYTES, limit - offset))
        whole = data.rfind(b"\n") + 1
        if whole:
            return data[:whole], attrs.evolve(place, segment=first, offset=offset + whole)
    return None


def _ahead(folder: Folder, place: Place, what: str) -> IntegrityError:
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


def check_place(folder: Folder, place: Place) -> None:
    """Raise `IntegrityError` where the journal's line before `place` is not the one folded."""
    if place.position == 0:
        return
    path = segment_path(folder.journal, place.segment)
    if not path.exists() or path.stat().st_size < place.offset:
        raise _ahead(folder, place, f"segment {place.segment:020d} is missing or shorter")
    with path.open("rb") as file:
        file.seek(max(0, place.offset - MAX_LINE_BYTES))
        before = file.read(place.offset - file.tell())
    last = before[before.rfind(b"\n", 0, -1) + 1 :]
    if not last.startswith(f"{place.position - 1} {place.chain} ".encode()):
        raise _ahead(folder, place, f"entry {place.position - 1} is another than the one it holds")


def load(db: "duckdb.DuckDBPyConnection", data: bytes, place: Place, prefix: str) -> Place:
    """Fold the lines in `data` into tables named `prefix` + projection name; the place after.

    `place` says where the lines begin in position, and where they end in the file. Raises
    `IntegrityError` where a line is damaged or positions do not follow on.
    """
    _read(db, data, place)
    count, low, high = _row(db, "select count(*), min(position), max(position) from arrived")
    lines = data.count(b"\n")
    (broken,) = _row(db, _BROKEN_CHAIN, {"chain": place.chain})
    in_order = count == lines and low == place.position and high == place.position + lines - 1
    if not in_order or broken:
        raise _damage(data, place)
    known = known_versions()
    db.execute(f"create temp view slice as select * from arrived where {known}")  # noqa: S608
    for projection in PROJECTIONS:
        db.execute(f"insert into {prefix}{projection.name} {projection.select}")
    (chain,) = _row(db, "select chain from arrived order by position desc limit 1")
    db.execute("drop view slice")
    db.execute("drop table arrived")
    return attrs.evolve(place, position=place.position + lines, chain=chain)


def _read(db: "duckdb.DuckDBPyConnection", data: bytes, place: Place) -> None:
    """Make the table `arrived` of the lines in `data`."""
    import duckdb

    try:
        with _memory_file(data) as path:
            db.execute(_READ, {"path": path})
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        raise _damage(data, place) from error
    except (OSError, duckdb.OperationalError) as error:
        raise StoreFailed(
            f"cannot read a slice of the journal: {error}", hint="is there enough memory?"
        ) from error


def _damage(data: bytes, place: Place) -> IntegrityError:
    """What to tell of lines that cannot be folded: the first one that is not as it should be."""
    position, chain = place.position, bytes.fromhex(place.chain)
    for raw in data.splitlines(keepends=True):
        try:
            line = parse_line(raw)
            parse_entry(line.entry)
        except Malformed:
            break
        chain = extend(chain, line.entry)
        if (line.position, line.chain) != (position, chain):
            break
        position += 1
    return IntegrityError(
        f"entry {position} is damaged or out of order",
        hint="run `ledger audit`; restore the segment from a copy if there is one",
        position=position,
    )


def _row(
    db: "duckdb.DuckDBPyConnection", sql: str, values: dict[str, str] | None = None
) -> tuple[Any, ...]:
    row = db.execute(sql, values).fetchone()
    if row is None:
        raise AssertionError("an aggregate gives one row")
    return row


@contextlib.contextmanager
def _memory_file(data: bytes) -> Iterator[str]:
    """A name under which DuckDB can read `data`: it is on no disk, and gone with the process."""
    descriptor = os.memfd_create("ledger-slice")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(data)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
