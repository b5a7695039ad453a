"""The database as stored, for the audit: no catch-up, no rebuild, no view.

Rows are asked for by blocks of positions, so that ten million of them need no more memory than a
few thousand. While a `StoredRows` is open, no other process can write the file.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import attrs

from ledger.errors import StoreFailed
from ledger.folder import Folder
from ledger.projections import PROJECTIONS, Projection
from ledger.store.catch_up import connect, is_of_this_schema, patiently
from ledger.store.schema import slice_of

if TYPE_CHECKING:
    import duckdb

_MEMORY: Final = "256MB"
#: Rows that are held as objects at a time.
_BATCH: Final = 10_000
#: Nothing is written anywhere, and rows come in the order in which they were stored.
_SETTINGS: Final = (
    "set threads = 1",
    f"set memory_limit = '{_MEMORY}'",
    "set temp_directory = ''",
)
#: The rows that are looked at; projections read them as `slice`, as when they were folded.
_ARRIVED: Final = """
create or replace temp table arrived as
from events where position >= $first and position < $beyond
"""
_TEXT: Final = """
select count(*), coalesce(bool_and(length(chain) = 64 and length(hash) = 71), true),
       encode(coalesce(string_agg(concat(position, ' ', chain, ' ', entry, chr(10)), ''), '')),
       coalesce(string_agg(hash, ''), '')
from arrived where position >= $first and position < $beyond
"""
#: Rows in one text: where texts are larger, a row costs twice as much.
_TEXT_ROWS: Final = 4096
#: Rows whose other columns are not what the entry says. An entry ends with its envelope, and no
#: name in it holds a quote: so its end, made again from the columns, shows all of them.
_STRANGE: Final = """
select position from arrived where not coalesce(
    starts_with(entry, concat('{"actor":"', actor, '","body":'))
    and ends_with(entry, concat(
        ',"branch":', coalesce('"' || branch || '"', 'null'),
        ',"cites":[', coalesce('"' || nullif(array_to_string(cites, '","'), '') || '"', ''),
        '],"kind":"', kind, '","origin":"', origin, '","recorded_at":', epoch_us(recorded_at),
        ',"schema_version":', schema_version, ',"stream":"', stream,
        '","stream_version":', stream_version, '}'))
    and not contains(concat(actor, branch, array_to_string(cites, ''), kind, origin, stream), '"')
    and actor is not null and cites is not null and kind is not null and origin is not null
    and recorded_at is not null and schema_version is not null and stream is not null
    and stream_version is not null, false)
"""


@attrs.frozen(slots=True)
class StoredRow:
    """One row of `events`."""

    position: int
    hash: str
    chain: str
    entry: str


@attrs.frozen(slots=True)
class StoredText:
    """Rows of `events` as the lines that a journal would have, and their hashes in one text.

    `has_lengths`: each hash and chain value is as long as they are.
    """

    count: int
    has_lengths: bool
    text: bytes
    hashes: str


class StoredRows:
    """The database file, open to be read until `close`. A pickled copy opens it for itself."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._db: duckdb.DuckDBPyConnection | None = None
        #: Whether there was a file when it was opened first.
        self.is_there = False
        #: One more than the last position that was stored then.
        self.end = 0
        #: Whether its tables are the ones this program makes; the next query rebuilds others.
        self.is_current = False
        self._block = ""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_stack": contextlib.ExitStack(), "_db": None}

    def open(self) -> None:
        """Open the file where there is one, and look where it ends. Raises `StoreFailed`."""
        self.is_there = self._folder.database.exists()
        if not self.is_there:
            return
        import duckdb

        (row,) = self._fetch("select coalesce(max(position) + 1, 0) from events", {})
        self.end = int(row[0])
        with contextlib.suppress(duckdb.Error):
            self.is_current = is_of_this_schema(self._connection())

    def close(self) -> None:
        """Let others write the file."""
        self._db = None
        self._stack.close()

    def look_at(self, first: int, beyond: int) -> None:
        """Let the rows from position `first` up to `beyond` be what the next questions are about.

        Raises `StoreFailed`, as all of them do.
        """
        self._block = f"position >= {first:d} and position < {beyond:d}"
        self._fetch(_ARRIVED, {"first": first, "beyond": beyond})
        if self.is_current:
            seen = slice_of("arrived", self._folder.origin)
            self._fetch(f"create or replace temp view slice as {seen}", {})

    def texts(self, first: int, beyond: int) -> Iterator[StoredText]:
        """Yield the rows from `first` up to `beyond`, in the order in which they were stored."""
        for start in range(first, beyond, _TEXT_ROWS):
            values = {"first": start, "beyond": min(start + _TEXT_ROWS, beyond)}
            (row,) = self._fetch(_TEXT, values)
            yield StoredText(*row)

    def rows(self, first: int, beyond: int) -> Iterator[StoredRow]:
        """Yield the rows from position `first` up to `beyond`, ascending."""
        while first < beyond:
            rows = self._rows_where(
                "position >= $first and position < $beyond", {"first": first, "beyond": beyond}
            )
            if len(rows) == _BATCH:  # the last position may have more rows than were read
                last = rows[-1].position
                rows = [row for row in rows if row.position < last] or rows
            yield from rows
            first = rows[-1].position + 1 if rows else beyond

    def rows_at(self, positions: Iterable[int]) -> Iterator[StoredRow]:
        """Yield the rows at these positions, one after the other."""
        for position in positions:
            yield from self._rows_where("position = $position", {"position": position})

    def _rows_where(self, condition: str, values: dict[str, int]) -> list[StoredRow]:
        sql = (
            f"select position, hash, chain, entry from events where {condition} "  # noqa: S608
            f"order by position limit {_BATCH}"
        )
        return [StoredRow(*row) for row in self._fetch(sql, values)]

    def strange(self) -> set[int]:
        """Positions of rows of which another column says something else than their entry."""
        return {int(row[0]) for row in self._fetch(_STRANGE, {})} if self.is_current else set()

    def differing(self) -> Iterator[tuple[str, int]]:
        """Yield (table, rows) for each typed table that is not what the events give.

        They are computed again from the rows of `events` that are looked at, which the audit holds
        against the journal.
        """
        if not self.is_current:
            return
        present = {row[0] for row in self._fetch("select distinct kind from slice", {})}
        derived = [one for one in PROJECTIONS if one.name != "events"]
        active = [one for one in derived if one.kinds is None or not present.isdisjoint(one.kinds)]
        idle = [one.name for one in derived if one not in active]
        if idle:
            counts = (f"(select count(*) from {name} where {self._block})" for name in idle)  # noqa: S608
            (found,) = self._fetch(f"select {', '.join(counts)}", {})
            yield from ((name, rows) for name, rows in zip(idle, found, strict=True) if rows)
        for projection in active:
            rows = self._differing_rows(projection)
            if rows:
                yield projection.name, rows

    def _differing_rows(self, projection: Projection) -> int:
        """How many rows of a table are not what `slice` gives, or are missing."""
        names = ", ".join(f'"{name}"' for name, _, _ in projection.columns)
        cast = ", ".join(f'"{name}"::{type_}' for name, type_, _ in projection.columns)
        stored = f"from {projection.name} where {self._block}"
        again = f"select {cast} from ({projection.select}) t({names})"  # noqa: S608
        # The same rows in the same order is the rule, and the quickest to see.
        ((is_same,),) = self._fetch(
            f"select (select list(t) from ({stored}) t({names})) "  # noqa: S608
            f"is not distinct from (select list(t) from ({again}) t({names}))",
            {},
        )
        if is_same:
            return 0
        ((rows,),) = self._fetch(
            f"select count(*) from (((from ({again})) except all ({stored})) "  # noqa: S608
            f"union all (({stored}) except all (from ({again}))))",
            {},
        )
        return int(rows)

    def beyond(self, end: int) -> Iterator[tuple[str, int]]:
        """Yield (table, rows) for each typed table that has rows from position `end` on."""
        for projection in PROJECTIONS if self.is_current else ():
            sql = f"select count(*) from {projection.name} where position >= $end"  # noqa: S608
            ((rows,),) = self._fetch(sql, {"end": end})
            if rows and projection.name != "events":
                yield projection.name, int(rows)

    def _fetch(self, sql: str, values: dict[str, int]) -> list[tuple[Any, ...]]:
        import duckdb

        try:
            return self._connection().execute(sql, values).fetchall()
        except duckdb.Error as error:
            raise StoreFailed(
                f"the database file cannot be read: {str(error).splitlines()[0]}",
                hint="the next query rebuilds it",
            ) from error

    def _connection(self) -> "duckdb.DuckDBPyConnection":
        if self._db is None and not patiently(self._connect):
            raise StoreFailed(
                "another process holds the database file", hint="audit again when it is done"
            )
        assert self._db is not None
        return self._db

    def _connect(self) -> None:
        db = self._stack.enter_context(connect(self._folder.database, read_only=True))
        for setting in _SETTINGS:
            db.execute(setting)
        self._db = db
