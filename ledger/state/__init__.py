"""What a decision needs to know, in `state.sqlite`: rebuildable from the journal at any time.

    streams     next stream_version of each (origin, stream), for what was recorded here
    entries     entry hash -> position and where its line begins
    standings   latest value of each key an event sets, on each branch: a row declared, a verdict
                given, a run begun
    listed      all events under a key: the rows of a model, the results of a metric
    sources     how often each imported line was taken in
    imports     positions of the entries that came from other ledgers
    place       the cursor up to which all of this is true

A decided append catches this up, asks it, and appends, all under the one lock. A file that is
missing, damaged or of another version is rebuilt; one that is ahead of the journal is an integrity
error, because then the journal lost entries.

file.py opens it; fold.py folds lines into it.
"""

import sqlite3
import weakref
from collections.abc import Callable

from ledger.entry import Entry, entry_hash, parse_entry, parse_hash
from ledger.errors import IntegrityError, StoreFailed
from ledger.events import read_event
from ledger.folder import Folder
from ledger.journal.line import parse_line
from ledger.journal.reader import scan
from ledger.journal.segments import Cursor, beginning, segment_path
from ledger.state.file import STATE_HINT, VERSION, open_file, read_cursor, remove_state
from ledger.state.fold import MAIN, Fold

#: Lines folded between two commits.
_SLICE = 20_000

__all__ = ["VERSION", "State", "read_cursor", "remove_state"]


class State:
    """One connection to `state.sqlite`, caught up under the lock and then asked."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.origin = folder.origin
        self._db = open_file(folder)
        # A state that is dropped without `close` lets go of its file all the same.
        weakref.finalize(self, self._db.close).atexit = False

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
                f"cannot write {self._folder.state}: {error}", hint=STATE_HINT
            ) from error
        finally:
            self._db.rollback()

    def _fold(self, on_progress: Callable[[int], None] | None) -> None:
        after = None
        fold = Fold(self._db, self._folder.origin)
        for count, (line, after) in enumerate(scan(self._folder.journal, self.cursor), 1):
            fold.see(line, after)
            if count % _SLICE == 0:
                fold.write(after)
                self._db.commit()
                if on_progress is not None:
                    on_progress(after.position)
        if after is not None:
            fold.write(after)
            self._db.commit()

    def next_version(self, origin: str, stream: str) -> int:
        """The stream_version that the next entry of this stream gets."""
        row = self._db.execute(
            "select next_version from streams where origin = ? and stream = ?", (origin, stream)
        ).fetchone()
        return int(row[0]) if row else 0

    def standing(self, key: str, branch: str | None = None) -> tuple[str, bytes, int] | None:
        """(value, entry hash, position) of the latest event that set `key`, or None.

        On the main line; with a branch, there or on the branch.
        """
        row = self._db.execute(
            "select value, hash, position from standings where key = ? and branch in (?, ?) "
            "order by position desc limit 1",
            (key, MAIN, branch or MAIN),
        ).fetchone()
        return (row[0], row[1], row[2]) if row else None

    def listed(self, key: str, branch: str | None = None) -> list[tuple[bytes, int]]:
        """(entry hash, position) of each event under `key`, oldest first.

        On the main line; with a branch, there or on the branch.
        """
        rows = self._db.execute(
            "select distinct position, hash from listed where key = ? and branch in (?, ?) "
            "order by position",
            (key, MAIN, branch or MAIN),
        )
        return [(row[1], row[0]) for row in rows]

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

    def branch_at(self, position: int) -> str | None:
        """The branch that another ledger's entry at this position came in on, if it is one."""
        row = self._db.execute(
            "select last, branch from imports where first <= ? order by first desc limit 1",
            (position,),
        ).fetchone()
        return row[1] if row and position <= row[0] else None

    def counts(self, entry: Entry, position: int) -> bool:
        """Whether an entry is on the main line by now."""
        branch = self.branch_at(position) or entry.branch
        merged = self.standing(f"merged/{branch}") if branch else None
        head = self.position_of(parse_hash(merged[0])) if merged else None
        return branch is None or (head is not None and position <= head)

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

    def event(self, hash_: bytes) -> object:
        """The typed event of an entry; None where there is no such entry."""
        found = self.read(hash_)
        return found and read_event(found[0].kind, found[0].schema_version, found[0].body)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
