"""Folding the journal into the database: exactly once, a slice a transaction.

`ingest_state` moves in the same transaction as the rows, so nothing is folded twice or by half.
The file is opened for each slice and closed after it: readers wait for a second at most. One
process at a time folds, under a lock of its own: two rebuilds would write into one draft.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.errors import IntegrityError, StoreFailed
from ledger.folder import Folder
from ledger.journal.line import chain_start
from ledger.journal.reader import committed_end
from ledger.journal.segments import list_segments, segment_path
from ledger.store.schema import create_tables, schema_digest
from ledger.store.slices import Place, check_place, load, next_slice

if TYPE_CHECKING:
    import duckdb

#: Told (bytes folded, bytes in all).
Progress = Callable[[int, int], None]
WAIT_SECONDS: Final = 5.0
_HINT: Final = "check the space and permissions of the ledger's folder"
#: How DuckDB says that another process has the file; a path may hold the word `lock` too.
_TAKEN: Final = "Could not set lock on file"


class Busy(Exception):
    """Another process holds the database file. Never shown to a user: callers wait or go round."""


@contextlib.contextmanager
def connect(path: Path, *, read_only: bool = False) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Open the database file. Raises `Busy` where another process holds it."""
    import duckdb

    try:
        db = duckdb.connect(str(path), read_only=read_only)
    except (duckdb.IOException, duckdb.ResourceInUseException) as error:
        if is_taken(error):
            raise Busy from error
        raise
    try:
        yield db
    finally:
        db.close()


def is_taken(error: Exception) -> bool:
    """Whether DuckDB's error says that another process, or this one elsewhere, holds the file."""
    import duckdb

    return _TAKEN in str(error) or isinstance(error, duckdb.ResourceInUseException)


def catch_up(folder: Folder, on_progress: Progress | None = None) -> None:
    """Fold everything acknowledged so far. Raises `Busy`, `IntegrityError`, `StoreFailed`.

    A file that is missing, damaged or of another schema is rebuilt beside and renamed over.
    """
    end = committed_end(folder.journal, folder.lock)
    with _alone(folder):
        if _is_usable(folder):
            _fold(folder, folder.database, end, on_progress)
        else:
            _rebuild(folder, end, on_progress)


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


def _is_usable(folder: Folder) -> bool:
    """Whether the file is there, sound and of this schema.

    Raises `Busy`, `StoreFailed` where it may not be written, and `IntegrityError` where a file of
    another schema is ahead of the journal: a rebuild would hide that.
    """
    import duckdb

    if not folder.database.exists():
        return False
    if not os.access(folder.database, os.W_OK):
        raise StoreFailed(f"cannot write {folder.database}", hint=_HINT)
    try:
        with connect(folder.database) as db:
            if is_of_this_schema(db):
                return True
            place = read_place(db)
    except duckdb.Error:
        return False
    check_place(folder, place)
    return False


def is_of_this_schema(db: "duckdb.DuckDBPyConnection", catalog: str = "") -> bool:
    """Whether the tables of `catalog` are the ones this program makes. Raises `duckdb.Error`."""
    row = db.execute(f"select schema_digest from {catalog}ingest_state").fetchone()  # noqa: S608
    return row is not None and row[0] == schema_digest()


def _rebuild(folder: Folder, end: tuple[int, int], on_progress: Progress | None) -> None:
    import duckdb

    draft = folder.path / "ledger.duckdb.new"
    try:
        for path in (draft, Path(f"{draft}.wal")):
            path.unlink(missing_ok=True)
        with connect(draft) as db:
            create_tables(db, chain_start(folder.origin).hex())
        _fold(folder, draft, end, on_progress)
        Path(f"{folder.database}.wal").unlink(missing_ok=True)
        draft.rename(folder.database)
    except (OSError, duckdb.IOException) as error:
        raise StoreFailed(f"cannot rebuild the database: {error}", hint=_HINT) from error


def _fold(
    folder: Folder, database: Path, end: tuple[int, int], on_progress: Progress | None
) -> None:
    total = journal_bytes(folder)
    is_first = True
    while True:
        with connect(database) as db:
            place = read_place(db)
            if is_first:
                check_place(folder, place)
            found = next_slice(folder, place, end)
            if found is None:
                return
            db.execute("begin")
            after = load(db, found[0], found[1], "")
            db.execute(
                "update ingest_state set position = ?, segment = ?, file_offset = ?, chain = ?",
                [after.position, after.segment, after.offset, after.chain],
            )
            db.execute("commit")
        is_first = False
        if on_progress is not None:
            before = sum(
                segment_path(folder.journal, first).stat().st_size
                for first in list_segments(folder.journal)
                if first < after.segment
            )
            on_progress(before + after.offset, total)


def journal_bytes(folder: Folder) -> int:
    """Size of the whole journal in bytes."""
    return sum(
        segment_path(folder.journal, first).stat().st_size
        for first in list_segments(folder.journal)
    )


def read_place(db: "duckdb.DuckDBPyConnection", catalog: str = "") -> Place:
    """Up to where the tables of `catalog` are folded."""
    row = db.execute(
        f"select position, segment, file_offset, chain from {catalog}ingest_state"  # noqa: S608
    ).fetchone()
    if row is None:
        raise IntegrityError("the database has no place", hint="delete ledger.duckdb")
    return Place(*row)


def patiently(action: Callable[[], None], seconds: float = WAIT_SECONDS) -> bool:
    """Try `action` until it is not `Busy`, for `seconds` at most; whether it came through."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            action()
        except Busy:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True
