"""What a decision needs to know, in `state.sqlite`: rebuildable from the journal at any time.

    streams     next stream_version of each (origin, stream)
    entries     entry hash -> position and where its line begins
    standings   latest value of each key an event sets: a row declared, a verdict given, a run begun
    sources     how often each imported line was taken in
    place       the cursor up to which all of this is true

A decided append catches this up, asks it, and appends, all under the one lock. A file that is
missing, damaged or of another version is rebuilt; one that is ahead of the journal is an integrity
error, because then the journal lost entries.
"""

import sqlite3
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ledger import __version__
from ledger.entry import Entry, entry_hash, parse_entry
from ledger.errors import IntegrityError, Malformed, StoreFailed
from ledger.events import KINDS, read_event
from ledger.events.base import Event, UnknownEvent
from ledger.events.reported import Reported
from ledger.folder import Folder
from ledger.journal.line import Line, parse_line
from ledger.journal.lock import WriterLock
from ledger.journal.reader import scan, verify_place
from ledger.journal.segments import Cursor, beginning, segment_path

_SCHEMA: Final = """
create table streams (origin text, stream text, next_version integer,
                      primary key (origin, stream)) without rowid;
create table entries (hash blob primary key, position integer, segment integer, offset integer)
                      without rowid;
create table standings (key text primary key, value text, hash blob, position integer)
                      without rowid;
create table sources (stream text, line_sha256 text, times integer,
                      primary key (stream, line_sha256)) without rowid;
create table place (position integer, segment integer, offset integer, chain blob);
"""
#: What the content of the file depends on: another program or other kinds make it anew.
_MADE_FROM: Final = (_SCHEMA, __version__, *(f"{k.name} v{k.version}" for k in KINDS.values()))
VERSION: Final = zlib.crc32("\n".join(_MADE_FROM).encode()) & 0x7FFFFFFF
#: Lines folded between two commits while rebuilding.
_SLICE: Final = 20_000


_STATE_HINT: Final = (
    "check the space and permissions; the file can be deleted, it is rebuilt from the journal"
)


class State:
    """One connection to `state.sqlite`. Changes are kept by `commit`, dropped by `rollback`."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._db = self._open()
        # A state that is dropped without `close` lets go of its file all the same.
        weakref.finalize(self, self._db.close).atexit = False

    def _open(self) -> sqlite3.Connection:
        """Open or make the file, alone: two that make it at once would trip over each other."""
        lock = WriterLock(self._folder.lock)
        try:
            with lock.hold():
                return self._open_alone()
        finally:
            lock.close()

    def _open_alone(self) -> sqlite3.Connection:
        for attempt in (1, 2):
            try:
                return _connect(self._folder)
            except sqlite3.DatabaseError as error:
                if attempt == 2 or isinstance(error, sqlite3.OperationalError):
                    raise StoreFailed(
                        f"cannot open {self._folder.state}: {error}", hint=_STATE_HINT
                    ) from error
                self._refuse_if_ahead()
                remove_state(self._folder)
        raise AssertionError("unreachable")

    def _refuse_if_ahead(self) -> None:
        """A file that is to be made anew may still know that the journal lost entries."""
        cursor = read_cursor(self._folder)
        if cursor is not None:
            verify_place(self._folder.journal, cursor)

    @property
    def cursor(self) -> Cursor:
        """The place in the journal up to which this state is true."""
        row = self._db.execute("select position, segment, offset, chain from place").fetchone()
        return Cursor(*row) if row else beginning(self._folder.origin)

    def catch_up(self, on_progress: Callable[[int], None] | None = None) -> None:
        """Fold everything the journal has beyond this state. Call it under the lock.

        `on_progress` is told the position now and then. Raises `IntegrityError`.
        """
        try:
            self._fold(on_progress)
        except sqlite3.Error as error:
            raise StoreFailed(
                f"cannot write {self._folder.state}: {error}", hint=_STATE_HINT
            ) from error
        finally:
            self._db.rollback()

    def _fold(self, on_progress: Callable[[int], None] | None) -> None:
        count = 0
        for line, cursor in scan(self._folder.journal, self.cursor):
            self.apply(line, cursor)
            count += 1
            if count % _SLICE == 0:
                self.commit()
                if on_progress is not None:
                    on_progress(cursor.position)
        if count:
            self.commit()

    def apply(self, line: Line, cursor: Cursor) -> None:
        """Fold one line; `cursor` is the place after it."""
        try:
            entry = parse_entry(line.entry)
        except Malformed as error:
            raise IntegrityError(
                f"entry {line.position} is in the chain but is no entry: {error}",
                hint="run `ledger audit`",
                position=line.position,
            ) from error
        hash_ = entry_hash(line.entry)
        db = self._db
        db.execute(
            "insert or replace into streams values (?, ?, ?)",
            (entry.origin, entry.stream, entry.stream_version + 1),
        )
        start = cursor.offset - len(line.format())
        db.execute(
            "insert or ignore into entries values (?, ?, ?, ?)",
            (hash_, line.position, cursor.segment, start),
        )
        self._apply_event(entry, hash_, line.position)
        db.execute("delete from place")
        db.execute(
            "insert into place values (?, ?, ?, ?)",
            (cursor.position, cursor.segment, cursor.offset, cursor.chain),
        )

    def _apply_event(self, entry: Entry, hash_: bytes, position: int) -> None:
        if entry.kind not in _STANDING_KINDS:
            return
        try:
            event = read_event(entry.kind, entry.schema_version, entry.body)
        except Malformed:
            return  # recorded by a program with other checks: audit reports it
        if isinstance(event, UnknownEvent):
            return
        for key, value in event.standings():
            self._db.execute(
                "insert or replace into standings values (?, ?, ?, ?)",
                (key, value, hash_, position),
            )
        if isinstance(event, Reported) and event.source is not None:
            self._db.execute(
                "insert into sources values (?, ?, 1) on conflict do update set times = times + 1",
                (entry.stream, event.source.line_sha256),
            )

    def next_version(self, origin: str, stream: str) -> int:
        """The stream_version that the next entry of this stream gets."""
        row = self._db.execute(
            "select next_version from streams where origin = ? and stream = ?", (origin, stream)
        ).fetchone()
        return int(row[0]) if row else 0

    def standing(self, key: str) -> tuple[str, bytes, int] | None:
        """(value, entry hash, position) of the latest event that set `key`, or None."""
        row = self._db.execute(
            "select value, hash, position from standings where key = ?", (key,)
        ).fetchone()
        return (row[0], row[1], row[2]) if row else None

    def times_imported(self, stream: str, line_sha256: str) -> int:
        """How often a line with this digest was taken into this stream."""
        row = self._db.execute(
            "select times from sources where stream = ? and line_sha256 = ?", (stream, line_sha256)
        ).fetchone()
        return int(row[0]) if row else 0

    def position_of(self, hash_: bytes) -> int | None:
        """The position of an entry, or None where the ledger has no such entry."""
        row = self._db.execute("select position from entries where hash = ?", (hash_,)).fetchone()
        return int(row[0]) if row else None

    def complete_hash(self, prefix: str) -> list[str]:
        """All printed hashes that begin with `prefix` (at most 3 are returned)."""
        digits = prefix.removeprefix("sha256:")
        low, high = digits.ljust(64, "0"), digits.ljust(64, "f")
        rows = self._db.execute(
            "select hash from entries where hash between ? and ? order by hash limit 3",
            (bytes.fromhex(low), bytes.fromhex(high)),
        )
        return ["sha256:" + row[0].hex() for row in rows]

    def read(self, hash_: bytes) -> tuple[Entry, int] | None:
        """The entry with this hash and its position, read from the journal and verified."""
        row = self._db.execute(
            "select position, segment, offset from entries where hash = ?", (hash_,)
        ).fetchone()
        if row is None:
            return None
        position, segment, offset = row
        with segment_path(self._folder.journal, segment).open("rb") as file:
            file.seek(offset)
            line = parse_line(file.readline())
        if entry_hash(line.entry) != hash_:
            raise IntegrityError(
                f"entry {position} is not the one that was recorded",
                hint="run `ledger audit`",
                position=position,
            )
        return parse_entry(line.entry), position

    def commit(self) -> None:
        """Keep what was folded."""
        self._db.commit()

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _connect(folder: Folder) -> sqlite3.Connection:
    db = sqlite3.connect(folder.state, timeout=30, check_same_thread=False)
    try:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = off")  # rebuildable: speed over power cuts
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


def _kinds_with_standings() -> frozenset[str]:
    """Kinds whose events must be decoded when folding; steps and numbers need not be."""
    own = {k.name for k in KINDS.values() if k.event.standings is not Event.standings}
    return frozenset(own | {k.name for k in KINDS.values() if k.family == "reported"})


_STANDING_KINDS: Final = _kinds_with_standings()


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
