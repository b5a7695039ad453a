"""Opening the database file: attached, as `store`, to an empty database in memory.

Making such an instance takes ten times as long as attaching a file to it, so a command makes one
and attaches the file as often as it has to.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.errors import IntegrityError
from ledger.folder import Folder
from ledger.store.place import Place
from ledger.store.schema import schema_digest

if TYPE_CHECKING:
    import duckdb

WAIT_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.01
#: DuckDB must not merge row groups when it feels like it: that takes longer than a slice may.
_SETTINGS: Final = {"temp_directory": "", "max_vacuum_tasks": "0"}
#: How DuckDB says that another process has the file; a path may hold the word `lock` too.
_TAKEN: Final = "Could not set lock on file"


class Busy(Exception):
    """Another process holds the database file. Never shown to a user: callers wait or go round."""


def connect_memory(
    **settings: str,
) -> contextlib.AbstractContextManager["duckdb.DuckDBPyConnection"]:
    """An empty in-memory database. It writes nothing beside a file, unless `settings` say where."""
    import duckdb

    return contextlib.closing(duckdb.connect(":memory:", config={**_SETTINGS, **settings}))


@contextlib.contextmanager
def connect(path: Path, *, read_only: bool = False) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection that has the file as its own tables. Raises `Busy`, `duckdb.Error`."""
    with connect_memory() as db, attached(db, path, read_only=read_only):
        db.execute("use store")
        yield db
        db.execute("use memory")


@contextlib.contextmanager
def attached(
    db: "duckdb.DuckDBPyConnection", path: Path, *, read_only: bool = False, seconds: float = 0
) -> Iterator[None]:
    """Hold the file as `store` for the length of a with block.

    Raises `duckdb.Error`, and `Busy` where another process holds it for more than `seconds`.
    """
    import duckdb

    if not patiently(lambda: attach(db, path, read_only=read_only), seconds):
        raise Busy
    try:
        yield
    except BaseException:
        for statement in ("rollback", "use memory", "detach store"):
            with contextlib.suppress(duckdb.Error):
                db.execute(statement)
        raise
    db.execute("use memory")
    db.execute("detach store")


def attach(db: "duckdb.DuckDBPyConnection", path: Path, *, read_only: bool) -> None:
    """Attach the file as `store`. Raises `Busy` where another process holds it, `duckdb.Error`."""
    import duckdb

    name = str(path).replace("'", "''")
    try:
        db.execute(f"attach '{name}' as store" + (" (read_only)" if read_only else ""))
    except duckdb.Error as error:
        if _TAKEN in str(error) or isinstance(error, duckdb.ResourceInUseException):
            raise Busy from error
        raise


def attach_file(db: "duckdb.DuckDBPyConnection", folder: Folder) -> bool:
    """Attach the ledger's file read-only; False where it is not sound or of another schema.

    Raises `Busy` where another process holds it.
    """
    import duckdb

    try:
        attach(db, folder.database, read_only=True)
    except duckdb.Error:
        return False
    with contextlib.suppress(duckdb.Error):
        if is_of_this_schema(db):
            return True
    db.execute("detach store")
    return False


def is_of_this_schema(db: "duckdb.DuckDBPyConnection") -> bool:
    """Whether the tables of `store` are the ones this program makes. Raises `duckdb.Error`."""
    rows = db.execute("select schema_digest from store.ingest_state").fetchall()
    return rows == [(schema_digest(),)]


def read_place(db: "duckdb.DuckDBPyConnection") -> Place:
    """Up to where the tables of `store` are folded."""
    rows = db.execute(
        "select position, segment, file_offset, chain from store.ingest_state"
    ).fetchall()
    if len(rows) != 1:
        raise IntegrityError("the database has no place", hint="delete ledger.duckdb")
    return Place(*rows[0])


def patiently(action: Callable[[], None], seconds: float = WAIT_SECONDS) -> bool:
    """Try `action` until it is not `Busy`, for `seconds` at most; whether it came through."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            action()
        except Busy:
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE_SECONDS)
        else:
            return True
