"""The sqlite file of the state: its tables, opening, reading its place, deleting it."""

import sqlite3
import zlib
from pathlib import Path
from typing import Final

from ledger import __version__
from ledger.errors import StoreFailed
from ledger.events import KINDS
from ledger.folder import Folder
from ledger.journal.lock import WriterLock
from ledger.journal.reader import verify_place
from ledger.journal.segments import Cursor

_SCHEMA: Final = """
create table streams (origin text, stream text, next_version integer,
                      primary key (origin, stream)) without rowid;
create table entries (hash blob primary key, position integer, segment integer, offset integer)
                      without rowid;
create table standings (branch text, key text, value text, hash blob, position integer,
                        primary key (key, branch)) without rowid;
create table listed (branch text, key text, position integer, hash blob,
                     primary key (key, branch, position)) without rowid;
create table sources (stream text, line_sha256 text, times integer,
                      primary key (stream, line_sha256)) without rowid;
create table imports (first integer primary key, last integer, branch text);
create table place (position integer, segment integer, offset integer, chain blob);
"""
#: What the content of the file depends on: another program or other kinds make it anew.
_MADE_FROM: Final = (_SCHEMA, __version__, *(f"{k.name} v{k.version}" for k in KINDS.values()))
VERSION: Final = zlib.crc32("\n".join(_MADE_FROM).encode()) & 0x7FFFFFFF
STATE_HINT: Final = (
    "check the space and permissions; the file can be deleted, it is rebuilt from the journal"
)


def open_file(folder: Folder) -> sqlite3.Connection:
    """Open or make the file, alone: two that make it at once would trip over each other."""
    lock = WriterLock(folder.lock)
    try:
        with lock.hold():
            return _open_alone(folder)
    finally:
        lock.close()


def _open_alone(folder: Folder) -> sqlite3.Connection:
    for attempt in (1, 2):
        try:
            return _connect(folder)
        except sqlite3.DatabaseError as error:
            if attempt == 2 or isinstance(error, sqlite3.OperationalError):
                raise StoreFailed(
                    f"cannot open {folder.state}: {error}", hint=STATE_HINT
                ) from error
            # A file that is to be made anew may still know that the journal lost entries.
            cursor = read_cursor(folder)
            if cursor is not None:
                verify_place(folder.journal, cursor)
            remove_state(folder)
    raise AssertionError("unreachable")


def _connect(folder: Folder) -> sqlite3.Connection:
    db = sqlite3.connect(folder.state, timeout=30, check_same_thread=False)
    try:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = off")  # rebuildable: speed over power cuts
        db.execute("pragma cache_size = -65536")  # hashes come in no order: 64 MiB of their tree
        version = db.execute("pragma user_version").fetchone()[0]
        if version != VERSION:
            if db.execute("select count(*) from sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError("made by another version")
            db.executescript(f"begin; {_SCHEMA} pragma user_version = {VERSION}; commit;")
        db.execute("select position, segment, offset, chain from place").fetchone()
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def remove_state(folder: Folder) -> None:
    """Delete the state file; the next decision rebuilds it."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{folder.state}{suffix}").unlink(missing_ok=True)


def read_cursor(folder: Folder) -> Cursor | None:
    """The place of the state file as it is; None where there is no readable one."""
    if not folder.state.exists():
        return None
    try:
        # Without a log beside it the file is whole, and asking leaves no file there either.
        is_whole = not Path(f"{folder.state}-wal").exists()
        more = "&immutable=1" if is_whole else ""
        db = sqlite3.connect(f"{folder.state.as_uri()}?mode=ro{more}", uri=True)
        try:
            row = db.execute("select position, segment, offset, chain from place").fetchone()
        finally:
            db.close()
    except sqlite3.DatabaseError:
        return None
    return Cursor(*row) if row else None
