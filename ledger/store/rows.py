"""The database as stored, for the audit: no catch-up, no rebuild, no view."""

from collections.abc import Iterator
from typing import Final

import attrs

from ledger.errors import StoreFailed
from ledger.folder import Folder
from ledger.projections import PROJECTIONS
from ledger.store.catch_up import Busy, connect
from ledger.store.reader import attach_file, connect_memory
from ledger.store.schema import known_versions

_BATCH: Final = 10_000


@attrs.frozen(slots=True)
class StoredRow:
    """One row of `events`."""

    position: int
    hash: str
    chain: str
    entry: str


def read_rows(folder: Folder) -> Iterator[StoredRow]:
    """Yield the stored rows by position; none where there is no database file yet.

    Raises `StoreFailed` where the file cannot be read or another process holds it.
    """
    import duckdb

    if not folder.database.exists():
        return
    try:
        with connect(folder.database, read_only=True) as db:
            cursor = db.execute("select position, hash, chain, entry from events order by position")
            while rows := cursor.fetchmany(_BATCH):
                yield from (StoredRow(*row) for row in rows)
    except Busy as error:
        raise StoreFailed(
            "another process holds the database file", hint="audit again when it is done"
        ) from error
    except duckdb.Error as error:
        raise StoreFailed(
            f"the database file cannot be read: {str(error).splitlines()[0]}",
            hint="the next query rebuilds it",
        ) from error


def differing_tables(folder: Folder) -> Iterator[tuple[str, int]]:
    """Yield (table, rows) for each typed table that is not what the stored events give.

    The tables are computed again from `events`, which the audit holds against the journal. Nothing
    is yielded where there is no file, or one of another schema (the next query rebuilds that).
    Raises `StoreFailed` where another process holds the file.
    """
    if not folder.database.exists():
        return
    with connect_memory() as db:
        try:
            if not attach_file(db, folder):
                return
        except Busy as error:
            raise StoreFailed(
                "another process holds the database file", hint="audit again when it is done"
            ) from error
        db.execute("create temp view arrived as from store.events")
        db.execute(f"create temp view slice as from store.events where {known_versions()}")
        for projection in PROJECTIONS:
            stored = f"(from store.{projection.name})"
            again = f"({projection.select})"
            row = db.execute(
                f"select count(*) from (({again} except all {stored}) "  # noqa: S608
                f"union all ({stored} except all {again}))"
            ).fetchone()
            if row is not None and row[0]:
                yield projection.name, int(row[0])
