"""From journal bytes to rows, in bulk.

A slice of whole lines is read by DuckDB as a CSV file of one column: no quote, no escape, and a
delimiter that cannot occur (JSON escapes control characters). That keeps the exact bytes, where a
JSON reader would change numbers.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from ledger.errors import IntegrityError, StoreFailed
from ledger.folder import Folder
from ledger.journal.line import MAX_LINE_BYTES
from ledger.journal.segments import list_segments, segment_path
from ledger.projections import PROJECTIONS

if TYPE_CHECKING:
    import duckdb

#: Bytes folded in one transaction: about half a second.
SLICE_BYTES: Final = 16 * 1024 * 1024

_READ: Final = """
create temp table slice as
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
       (entry->>'$.schema_version')::usmallint as schema_version,
       make_timestamp((entry->>'$.recorded_at')::bigint) as recorded_at,
       entry->>'$.actor' as actor, from_json(entry->'$.cites', '["VARCHAR"]') as cites, entry
from split order by position
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
        raise _ahead(place, f"the journal has no segment {place.segment:020d}")
    for first in (first for first in firsts if place.segment <= first <= end[0]):
        if first not in (place.segment, place.position):
            raise _ahead(place, f"segment {first:020d} does not follow it")
        offset = place.offset if first == place.segment else 0
        path = segment_path(folder.journal, first)
        limit = end[1] if first == end[0] else path.stat().st_size
        if limit < offset:
            raise _ahead(place, f"segment {first:020d} has only {limit} bytes")
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(min(SLICE_BYTES, limit - offset))
        whole = data.rfind(b"\n") + 1
        if whole:
            return data[:whole], attrs.evolve(place, segment=first, offset=offset + whole)
    return None


def _ahead(place: Place, what: str) -> IntegrityError:
    return IntegrityError(
        f"the database stands at position {place.position}, but {what}",
        hint="the journal lost entries: restore it from a copy; nothing was changed",
        position=place.position,
    )


def check_place(folder: Folder, place: Place) -> None:
    """Raise `IntegrityError` where the journal's line before `place` is not the one folded."""
    if place.position == 0:
        return
    path = segment_path(folder.journal, place.segment)
    if not path.exists() or path.stat().st_size < place.offset:
        raise _ahead(place, f"segment {place.segment:020d} is missing or shorter")
    with path.open("rb") as file:
        file.seek(max(0, place.offset - MAX_LINE_BYTES))
        before = file.read(place.offset - file.tell())
    last = before[before.rfind(b"\n", 0, -1) + 1 :]
    if not last.startswith(f"{place.position - 1} {place.chain} ".encode()):
        raise _ahead(place, f"entry {place.position - 1} is another than the one it holds")


def load(
    db: "duckdb.DuckDBPyConnection", folder: Folder, data: bytes, place: Place, prefix: str
) -> Place:
    """Fold the lines in `data` into tables named `prefix` + projection name; the place after.

    `place` says where the lines begin in position, and where they end in the file. Raises
    `IntegrityError` where positions do not follow on.
    """
    with _scratch_file(folder, data) as path:
        db.execute(_READ, {"path": str(path)})
    count, low, high = _row(db, "select count(*), min(position), max(position) from slice")
    lines = data.count(b"\n")
    if not (count == lines and low == place.position and high == place.position + lines - 1):
        raise IntegrityError(
            f"the journal from position {place.position} on is not in order",
            hint="run `ledger audit`",
            position=place.position,
        )
    for projection in PROJECTIONS:
        db.execute(f"insert into {prefix}{projection.name} {projection.select}")
    (chain,) = _row(db, "select chain from slice order by position desc limit 1")
    db.execute("drop table slice")
    return attrs.evolve(place, position=place.position + lines, chain=chain)


def _row(db: "duckdb.DuckDBPyConnection", sql: str) -> tuple[Any, ...]:
    row = db.execute(sql).fetchone()
    if row is None:
        raise AssertionError("an aggregate gives one row")
    return row


@contextlib.contextmanager
def _scratch_file(folder: Folder, data: bytes) -> Iterator[Path]:
    """A file that DuckDB can read, gone afterwards; in memory where the system has such a place."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - a private file, made by mkstemp
    try:
        where = shared_memory if shared_memory.is_dir() else folder.scratch
        where.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=where, prefix="ledger-slice-") as file:
            file.write(data)
            file.flush()
            yield Path(file.name)
    except OSError as error:
        raise StoreFailed(
            f"cannot write a scratch file: {error.strerror}", hint="check the space in /dev/shm"
        ) from error
