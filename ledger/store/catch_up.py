"""Folding the journal into the database: exactly once, a slice a transaction.

`ingest_state` moves in the same transaction as the rows, so nothing is folded twice or by half.
The file is attached for each slice and let go after it: readers wait for a second at most. A
rebuild fills a file beside, which nobody waits for, and renames it over. One process at a time
folds, under a lock of its own: two rebuilds would write into one draft.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.errors import StoreFailed
from ledger.folder import Folder
from ledger.journal.line import chain_start
from ledger.journal.reader import committed_end
from ledger.store.database import (
    PAUSE_SECONDS,
    WAIT_SECONDS,
    Busy,
    attached,
    connect,
    connect_memory,
    is_of_this_schema,
    patiently,
    read_place,
)
from ledger.store.lines import Slice, read_slices
from ledger.store.place import Place, bytes_before, check_place
from ledger.store.schema import create_tables
from ledger.store.slices import limits, load

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "Busy",
    "Progress",
    "catch_up",
    "connect",
    "fold",
    "is_of_this_schema",
    "patiently",
]

#: Told (bytes folded, bytes in all).
Progress = Callable[[int, int], None]
_HINT: Final = "check the space and permissions of the ledger's folder"
#: Row groups in a slice of a rebuild, which keeps nobody waiting.
_REBUILD_GROUPS: Final = 2
#: What DuckDB may hold while it folds much; it would keep every block that it wrote.
_MEMORY: Final = "1GiB"


def catch_up(folder: Folder, on_progress: Progress | None = None) -> None:
    """Fold everything acknowledged so far. Raises `Busy`, `IntegrityError`, `StoreFailed`.

    A file that is missing, damaged or of another schema is rebuilt beside and renamed over.
    """
    spill = f"{folder.database}.tmp"
    with connect_memory(memory_limit=_MEMORY, temp_directory=spill) as db:
        fold(db, folder, on_progress)


def fold(
    db: "duckdb.DuckDBPyConnection", folder: Folder, on_progress: Progress | None = None
) -> None:
    """Catch up by means of an in-memory database to which no file is attached."""
    end = committed_end(folder.journal, folder.lock)
    with _alone(folder):
        place = _usable_place(db, folder)
        if place is not None:
            _fold(db, folder, place, end, on_progress)
        else:
            _rebuild(db, folder, end, on_progress)


@contextlib.contextmanager
def _alone(folder: Folder) -> Iterator[None]:
    """Be the one process that folds. Raises `Busy`, and `StoreFailed` where nothing can be written.

    The kernel lets go of the lock when a process dies. The lock file is never the database itself.
    """
    path = Path(f"{folder.database}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreFailed(f"cannot open {path}: {error.strerror}", hint=_HINT) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Busy from error
    finally:
        os.close(descriptor)


def _usable_place(db: "duckdb.DuckDBPyConnection", folder: Folder) -> Place | None:
    """Up to where the file is folded; None where it is not there, not sound, or of another schema.

    Raises `Busy`, `StoreFailed` where it may not be written, and `IntegrityError` where it is ahead
    of the journal: a rebuild would hide that.
    """
    import duckdb

    if not folder.database.exists():
        return None
    if not os.access(folder.database, os.W_OK):
        raise StoreFailed(f"cannot write {folder.database}", hint=_HINT)
    try:
        with attached(db, folder.database):
            place, is_current = read_place(db), is_of_this_schema(db)
    except duckdb.Error:
        return None
    check_place(folder, place)
    return place if is_current else None


def _fold(
    db: "duckdb.DuckDBPyConnection",
    folder: Folder,
    place: Place,
    end: tuple[int, int],
    on_progress: Progress | None,
) -> None:
    import duckdb

    seconds = 0.0
    for slice_ in read_slices(folder, place, end, limits()):
        try:
            with attached(db, folder.database, seconds=seconds):
                if read_place(db) != slice_.before:
                    raise Busy  # somebody put another file there
                _load(db, slice_)
        except duckdb.OperationalError as error:
            raise StoreFailed(f"cannot write the database: {error}", hint=_HINT) from error
        _tell(folder, slice_.after, end, on_progress)
        if (slice_.after.segment, slice_.after.offset) != end:
            time.sleep(2 * PAUSE_SECONDS)  # those who wait for the file get a turn
        seconds = WAIT_SECONDS


def _rebuild(
    db: "duckdb.DuckDBPyConnection",
    folder: Folder,
    end: tuple[int, int],
    on_progress: Progress | None,
) -> None:
    import duckdb

    draft = folder.path / "ledger.duckdb.new"
    try:
        _remove(draft)
        with attached(db, draft):
            db.execute("use store")
            create_tables(db, chain_start(folder.origin).hex())
            db.execute("use memory")
            db.execute("set threads = 1")
            _fill(db, folder, end, on_progress)
            db.execute("reset threads")
        Path(f"{folder.database}.wal").unlink(missing_ok=True)
        draft.rename(folder.database)
    except (OSError, duckdb.OperationalError) as error:
        raise StoreFailed(f"cannot rebuild the database: {error}", hint=_HINT) from error
    finally:
        _remove(draft)


def _fill(
    db: "duckdb.DuckDBPyConnection",
    folder: Folder,
    end: tuple[int, int],
    on_progress: Progress | None,
) -> None:
    """Fold the whole journal into the draft that is attached.

    What a slice's commit does is to compress its rows and write them. That takes as long as making
    them, so it is done in a thread of its own, while the next slice is made. Together with the one
    that reads, these keep two cores busy; threads of DuckDB's would only get in their way.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    place = read_place(db)
    committed: Future[None] | None = None
    with contextlib.ExitStack() as cursors, ThreadPoolExecutor(1) as pool:
        for slice_ in read_slices(folder, place, end, limits(_REBUILD_GROUPS)):
            cursor = cursors.enter_context(db.cursor())
            cursor.execute("begin")
            load(cursor, slice_, "store.")
            if committed is not None:
                committed.result()
            committed = pool.submit(_commit, cursor)
            place = slice_.after
            _tell(folder, place, end, on_progress)
        if committed is not None:
            committed.result()
    _move(db, place)


def _commit(cursor: "duckdb.DuckDBPyConnection") -> None:
    cursor.execute("commit")
    cursor.close()


def _remove(draft: Path) -> None:
    for path in (draft, Path(f"{draft}.wal")):
        path.unlink(missing_ok=True)


def _load(db: "duckdb.DuckDBPyConnection", slice_: Slice) -> None:
    """Fold one slice into the attached file, in one transaction with the place."""
    db.execute("begin")
    load(db, slice_, "store.")
    _move(db, slice_.after)
    db.execute("commit")


def _move(db: "duckdb.DuckDBPyConnection", place: Place) -> None:
    """Note up to where everything is folded."""
    db.execute(
        "update store.ingest_state set position = ?, segment = ?, file_offset = ?, chain = ?",
        [place.position, place.segment, place.offset, place.chain],
    )


def _tell(folder: Folder, after: Place, end: tuple[int, int], on_progress: Progress | None) -> None:
    if on_progress is not None:
        done = bytes_before(folder, (after.segment, after.offset))
        on_progress(done, bytes_before(folder, end))
