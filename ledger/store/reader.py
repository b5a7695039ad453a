"""A connection for questions: it sees everything up to a position and can change nothing.

The database file is attached read-only to an empty in-memory database. What the journal has beyond
it (because another reader kept catch-up from the file) is folded into temporary tables, and every
table is a view over both, cut off at the position asked for. Then the doors are closed: no file, no
network, no change of settings.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.errors import BadArguments, StoreFailed
from ledger.folder import Folder
from ledger.journal.line import chain_start
from ledger.journal.reader import committed_end
from ledger.projections import PROJECTIONS, VIEWS
from ledger.store.branches import create_off_main
from ledger.store.catch_up import Progress, catch_up, fold
from ledger.store.database import (
    PAUSE_SECONDS,
    Busy,
    attach_file,
    connect_memory,
    patiently,
    read_place,
)
from ledger.store.lines import read_slices
from ledger.store.place import Place, bytes_before, check_place
from ledger.store.schema import create_tables
from ledger.store.slices import limits, load

if TYPE_CHECKING:
    import duckdb

__all__ = ["attach_file", "connect_memory", "open_reader"]

#: A file that is taken is waited for as long as it would take to read what it lacks, and a bit.
_FOLD_SECONDS: Final = 0.2
_TAIL_BYTES_A_SECOND: Final = 50e6
#: So much is folded by the reader's own instance of DuckDB: making another one would take longer.
_LITTLE_BYTES: Final = 4 * 1024 * 1024
#: A whole table may be larger than the memory: beyond this it is sorted on the disk.
_OUTPUT_MEMORY: Final = "1GB"
_DOORS: Final = (
    "set python_enable_replacements = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


@contextlib.contextmanager
def open_reader(
    folder: Folder,
    *,
    at: int | None = None,
    on_progress: Progress | None = None,
    output: Path | None = None,
) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Yield a connection over the record as it stood after position `at` (null: now).

    It can write no file but `output`; what does not fit into memory goes beside that one.
    Raises `BadArguments` for a position beyond the end, `StoreFailed` where the file stays taken.
    """
    with connect_memory() as db:
        place, end = _attach_folded(db, folder, on_progress)
        has_tail = (place.segment, place.offset) != end
        if has_tail:
            place = _load_tail(db, folder, place, end)
        if at is not None and not 0 <= at < place.position:
            raise BadArguments(
                f"there is no position {at}; the ledger ends at {place.position - 1}",
                hint="positions count from 0; leave --at out for now",
            )
        _create_views(db, at, has_tail=has_tail)
        for statement in (*_open_for(output), *_DOORS):
            db.execute(statement)
        yield db


def _open_for(output: Path | None) -> tuple[str, ...]:
    """What is left open to write one file, if any."""
    if output is None:
        return ()
    path = str(output).replace("'", "''")
    return (
        f"set allowed_paths = ['{path}']",
        f"set temp_directory = '{path}.tmp'",
        f"set memory_limit = '{_OUTPUT_MEMORY}'",
    )


def _attach_folded(
    db: "duckdb.DuckDBPyConnection", folder: Folder, on_progress: Progress | None
) -> tuple[Place, tuple[int, int]]:
    """Attach the file, folded as far as it can be; up to where it is, and where the journal ends.

    Raises `StoreFailed` where another process keeps the file, `IntegrityError` where it is ahead.
    """
    started, may_fold = time.monotonic(), True
    while True:
        if not patiently(lambda: _attach(db, folder)):
            raise StoreFailed(
                "another process holds the database file",
                hint="wait for the other `ledger query` or rebuild to end, then try again",
            )
        place = read_place(db)
        check_place(folder, place)
        end = committed_end(folder.journal, folder.lock)
        lacks = bytes_before(folder, end) - bytes_before(folder, (place.segment, place.offset))
        patience = _FOLD_SECONDS + lacks / _TAIL_BYTES_A_SECOND
        if lacks <= 0 or not may_fold or time.monotonic() - started > patience:
            return place, end
        db.execute("detach store")
        try:
            if lacks < _LITTLE_BYTES:
                fold(db, folder, on_progress)
            else:
                catch_up(folder, on_progress)
            may_fold = False  # once is enough: a writer may be faster
        except Busy:
            time.sleep(PAUSE_SECONDS)
        except StoreFailed:
            may_fold = False  # a folder that cannot be written


def _attach(db: "duckdb.DuckDBPyConnection", folder: Folder) -> None:
    """Attach the database as `store`, or an empty one where there is none that can be read.

    That another process is making it, or that the folder cannot be written, is no reason to refuse
    an answer: then everything is the journal's tail. Raises `Busy`.
    """
    if folder.database.exists() and attach_file(db, folder):
        return
    db.execute("attach ':memory:' as store")
    db.execute("use store")
    create_tables(db, chain_start(folder.origin).hex())
    db.execute("use memory")


def _load_tail(
    db: "duckdb.DuckDBPyConnection", folder: Folder, place: Place, end: tuple[int, int]
) -> Place:
    """Fold what the file does not have yet into temporary tables; the place after it."""
    for projection in PROJECTIONS:
        db.execute(projection.create(f"tail_{projection.name}", temporary=True))
    for slice_ in read_slices(folder, place, end, limits()):
        load(db, slice_, "tail_")
        place = slice_.after
    return place


def _create_views(db: "duckdb.DuckDBPyConnection", at: int | None, *, has_tail: bool) -> None:
    cut = "" if at is None else f" where position <= {at}"
    for projection in PROJECTIONS:
        name = projection.name
        tail = f" union all from tail_{name}{cut}" if has_tail else ""
        db.execute(f"create temp view {name} as from store.{name}{cut}{tail}")
    create_off_main(db)
    for view in VIEWS:
        db.execute(view.create())


#: Views that many queries stand on, each after those that it stands on itself.
_SHARED: Final = ("attempts", "fates", "fallen", "suspects")


def keep_views(db: "duckdb.DuckDBPyConnection") -> None:
    """Compute once what many queries stand on, for who asks many of them over one connection."""
    for name in _SHARED:
        db.execute(f"create temp table kept_{name} as from {name}")
        db.execute(f"create or replace temp view {name} as from kept_{name}")
