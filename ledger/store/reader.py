"""A connection for questions: it sees everything up to a position and can change nothing.

The database file is attached read-only to an empty in-memory database. What the journal has beyond
it (because another reader kept catch-up from the file) is folded into temporary tables, and every
table is a view over both, cut off at the position asked for. Then the doors are closed: no file, no
network, no change of settings.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ledger.errors import BadArguments, StoreFailed
from ledger.folder import Folder
from ledger.journal.line import chain_start
from ledger.journal.reader import committed_end
from ledger.projections import PROJECTIONS, VIEWS
from ledger.store.catch_up import (
    Busy,
    Progress,
    catch_up,
    is_of_this_schema,
    is_taken,
    patiently,
    read_place,
)
from ledger.store.schema import create_tables
from ledger.store.slices import check_place, load, next_slice

if TYPE_CHECKING:
    import duckdb

#: A catch-up that finds the file taken is not worth waiting for: the tail is read instead.
_CATCH_UP_SECONDS: Final = 0.2
_DOORS: Final = (
    "set temp_directory = ''",
    "set python_enable_replacements = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


@contextlib.contextmanager
def open_reader(
    folder: Folder, *, at: int | None = None, on_progress: Progress | None = None
) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Yield a connection over the record as it stood after position `at` (null: now).

    Raises `BadArguments` for a position beyond the end, `StoreFailed` where the file stays taken.
    """
    with contextlib.suppress(StoreFailed):  # a folder that cannot be written
        patiently(lambda: catch_up(folder, on_progress), _CATCH_UP_SECONDS)
    with connect_memory() as db:
        if not patiently(lambda: _attach(db, folder)):
            raise StoreFailed(
                "another process holds the database file",
                hint="wait for the other `ledger query` or rebuild to end, then try again",
            )
        end = _load_tail(db, folder)
        if at is not None and not 0 <= at < end:
            raise BadArguments(
                f"there is no position {at}; the ledger ends at {end - 1}",
                hint="positions count from 0; leave --at out for now",
            )
        _create_views(db, end - 1 if at is None else at)
        for statement in _DOORS:
            db.execute(statement)
        yield db


def connect_memory() -> contextlib.AbstractContextManager["duckdb.DuckDBPyConnection"]:
    """An empty in-memory database."""
    import duckdb

    return contextlib.closing(duckdb.connect(":memory:"))


def _attach(db: "duckdb.DuckDBPyConnection", folder: Folder) -> None:
    """Attach the database as `store`, or an empty one where there is none that can be read.

    A catch-up that could not make it (a folder that cannot be written, another process at work)
    is no reason to refuse the answer: then everything is the journal's tail. Raises `Busy`.
    """
    if folder.database.exists() and attach_file(db, folder):
        return
    db.execute("attach ':memory:' as store")
    db.execute("use store")
    create_tables(db, chain_start(folder.origin).hex())
    db.execute("use memory")


def attach_file(db: "duckdb.DuckDBPyConnection", folder: Folder) -> bool:
    """Whether the file could be attached, sound and of this schema. Raises `Busy`."""
    import duckdb

    path = str(folder.database).replace("'", "''")
    try:
        db.execute(f"attach '{path}' as store (read_only)")
    except duckdb.Error as error:
        if is_taken(error):
            raise Busy from error
        return False
    with contextlib.suppress(duckdb.Error):
        if is_of_this_schema(db, "store."):
            return True
    db.execute("detach store")
    return False


def _load_tail(db: "duckdb.DuckDBPyConnection", folder: Folder) -> int:
    """Fold what the file does not have yet into temporary tables; the journal's end."""
    for projection in PROJECTIONS:
        db.execute(projection.create(f"tail_{projection.name}", temporary=True))
    place = read_place(db, "store.")
    check_place(folder, place)
    end = committed_end(folder.journal, folder.lock)
    while (found := next_slice(folder, place, end)) is not None:
        place = load(db, found[0], found[1], "tail_")
    return place.position


def _create_views(db: "duckdb.DuckDBPyConnection", at: int) -> None:
    for projection in PROJECTIONS:
        name = projection.name
        db.execute(
            f"create temp view {name} as select * from store.{name} where position <= {at} "  # noqa: S608
            f"union all select * from tail_{name} where position <= {at}"
        )
    for view in VIEWS:
        db.execute(view.create())
