"""The rows of `events` as stored, in order, for the audit: no catch-up, no rebuild, no view."""

from collections.abc import Iterator
from typing import Final

import attrs

from ledger.errors import StoreFailed
from ledger.folder import Folder
from ledger.store.catch_up import Busy, connect

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
