"""From verified entries to rows, in bulk: every projection, in the caller's transaction.

E goes into DuckDB as text and is kept to the byte; a JSON reader would change numbers. What is in
columns is taken out of it once, into the relation `arrived`. A projection reads `slice`, which is
`arrived` without the versions that this program does not know.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from ledger.errors import StoreFailed
from ledger.projections import PROJECTIONS, Projection
from ledger.store.lines import Chunk, Limits, Slice, damaged, first_malformed
from ledger.store.schema import slice_of

if TYPE_CHECKING:
    import duckdb

#: Rows of a row group in DuckDB: a slice that fills some is written once, past the log.
ROW_GROUP: Final = 122_880
#: Bytes folded in one transaction, where entries are so long that fewer rows make them up.
SLICE_BYTES: Final = 128 * 1024 * 1024
#: From here on numpy is worth its import; below, values are handed over one by one.
_BULK: Final = 20_000

#: The entries one by one, from chunks of them.
_LINES: Final = """
select unnest(range(first, first + count))::ubigint as position,
       'sha256:' || unnest(string_split(hashes, ' ')) as hash,
       unnest(string_split(chains, ' ')) as chain,
       unnest(string_split(entries, chr(10))) as entry
from {chunks}
"""
_ARRIVED: Final = """
select position, hash, chain, f[6] as origin, f[2] as branch, f[8] as stream,
       f[9]::ubigint as stream_version, f[4] as kind, f[7]::ubigint as schema_version,
       make_timestamp(f[5]::bigint) as recorded_at, f[1] as actor,
       if(f[3] = '[]', [], from_json(f[3], '["VARCHAR"]')) as cites, entry
from (
    select *, json_extract_string(entry, [
        '$.actor', '$.branch', '$.cites', '$.kind', '$.recorded_at', '$.origin',
        '$.schema_version', '$.stream', '$.stream_version']) as f
    from lines
)
"""
_KINDS: Final = """
select kind, count(*), count(*) filter (
    actor is null or cites is null or kind is null or origin is null or recorded_at is null
    or schema_version is null or stream is null or stream_version is null)
from arrived group by kind
"""


def limits(row_groups: int = 1) -> Limits:
    """What a slice of so many row groups may hold."""
    return Limits(row_groups * ROW_GROUP, SLICE_BYTES)


def load(db: "duckdb.DuckDBPyConnection", slice_: Slice, prefix: str) -> None:
    """Fold a slice into the tables named `prefix` + projection name.

    Raises `IntegrityError` where an entry is none, though the chain runs over it.
    """
    events, *others = PROJECTIONS
    counts = _arrive(db, slice_, prefix, events)
    total = sum(counts.values())
    many = {kind for kind, count in counts.items() if count * 8 > total > _BULK}
    rest = counts.keys() - many
    reads_many = [p for p in others if p.kinds is None or not many.isdisjoint(p.kinds)]
    reads_rest = [p for p in others if p not in reads_many and not rest.isdisjoint(p.kinds or ())]
    origin = slice_.origin
    _insert(db, reads_many, prefix, slice_of("arrived", origin))
    if many and reads_rest:
        # A few kinds make up the bulk; the others are read from a table without these.
        names = ", ".join(f"'{kind}'" for kind in sorted(many))
        db.execute(f"create temp table few as from arrived where kind not in ({names})")
        _insert(db, reads_rest, prefix, slice_of("few", origin))
        db.execute("drop table few")
    else:
        _insert(db, reads_rest, prefix, slice_of("arrived", origin))
    db.execute("drop view arrived")


def _insert(
    db: "duckdb.DuckDBPyConnection", projections: Sequence[Projection], prefix: str, select: str
) -> None:
    db.execute(f"create temp view slice as {select}")
    for projection in projections:
        db.execute(f"insert into {prefix}{projection.name} {projection.select}")
    db.execute("drop view slice")


def _arrive(
    db: "duckdb.DuckDBPyConnection", slice_: Slice, prefix: str, events: Projection
) -> dict[str, int]:
    """Fill `events` and leave `arrived`, what is new in it; how many of each kind that is."""
    import duckdb

    table = prefix + events.name
    try:
        with _lines(db, slice_):
            db.execute(f"create temp view arrived as {_ARRIVED}")
            db.execute(f"insert into {table} {events.select}")
        new = f"from {table} where position >= {slice_.before.position}"
        db.execute(f"create or replace temp view arrived as {new}")
        rows = db.execute(_KINDS).fetchall()
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        position = first_malformed(slice_)
        if position is None:
            raise
        raise damaged(position) from error
    except duckdb.OperationalError as error:
        raise StoreFailed(
            f"cannot load a slice of the journal: {error}", hint="is there enough memory?"
        ) from error
    if any(broken for _, _, broken in rows):
        position = first_malformed(slice_)
        raise damaged(slice_.before.position if position is None else position)
    return {kind: count for kind, count, _ in rows}


@contextlib.contextmanager
def _lines(db: "duckdb.DuckDBPyConnection", slice_: Slice) -> Iterator[None]:
    """Make the relation `lines` for the length of a with block."""
    names = [field.name for field in attrs.fields(Chunk)]
    columns = {name: [getattr(chunk, name) for chunk in slice_.chunks] for name in names}
    if slice_.count < _BULK:
        lists = ", ".join(f"unnest(${name}) as {name}" for name in names)
        chunks = f"(select {lists})"
        db.execute(f"create temp table lines as {_LINES.format(chunks=chunks)}", columns)
        yield
        db.execute("drop table lines")
        return
    import numpy as np

    texts = ("hashes", "chains", "entries")
    arrays = {
        name: np.array(columns[name], dtype=object if name in texts else int) for name in names
    }
    db.register("chunks", arrays)
    db.execute(f"create temp view lines as {_LINES.format(chunks='chunks')}")
    yield
    db.execute("drop view lines")
    db.unregister("chunks")
