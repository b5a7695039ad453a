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

file.py opens it; fold.py folds lines into it; entries.py reads entries at the place that it has.
"""

import itertools
import sqlite3
import weakref
from collections.abc import Callable

from ledger.entry import Entry, parse_hash
from ledger.errors import StoreFailed
from ledger.folder import Folder
from ledger.journal.reader import scan
from ledger.journal.segments import Cursor, beginning
from ledger.state.entries import Entries
from ledger.state.file import STATE_HINT, VERSION, open_file, read_cursor, remove_state
from ledger.state.fold import MAIN, Fold

#: Lines folded between two commits.
_SLICE = 100_000
#: Answers kept while nothing new is folded.
_KEPT = 250_000
#: Names that a refusal looks through for the nearest.
_MOST_NAMES = 10_000
_ON_MAIN = "select value, hash, position from standings where key = ? and branch = ?"
_ON_BRANCH = (
    "select value, hash, position from standings where key = ? and branch in (?, ?) "
    "order by position desc limit 1"
)

__all__ = ["VERSION", "State", "read_cursor", "remove_state"]


class State:
    """One connection to `state.sqlite`, caught up under the lock and then asked."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.origin = folder.origin
        self._db = open_file(folder)
        self._entries = Entries(folder, self._db)
        #: Answers of `standing`, true up to a position: another process may move the file on.
        self._known: dict[tuple[str, str], tuple[str, bytes, int] | None] = {}
        self._rooms: dict[str, bool] = {}
        self._known_at = -1
        # A state that is dropped without `close` lets go of its file all the same.
        weakref.finalize(self, self._db.close).atexit = False

    @property
    def cursor(self) -> Cursor:
        """The place in the journal up to which this state is true."""
        row = self._db.execute("select position, segment, offset, chain from place").fetchone()
        return Cursor(*row) if row else beginning(self._folder.origin)

    def catch_up(
        self,
        on_progress: Callable[[int], None] | None = None,
        end: tuple[int, int] | None = None,
    ) -> None:
        """Fold what the journal has beyond this state. Call it under the lock, or up to an `end`.

        `end` is (segment, offset) up to which everything was acknowledged. Several processes may
        do so at once: a slice is one transaction, and begins where the last one ended.
        `on_progress` is told the position now and then. Raises `IntegrityError`.
        """
        try:
            while self._lacks(end):
                after = self._fold_slice(end)
                if on_progress is not None:
                    on_progress(after.position)
        except sqlite3.Error as error:
            raise StoreFailed(
                f"cannot write {self._folder.state}: {error}", hint=STATE_HINT
            ) from error
        finally:
            self._db.rollback()
        position = self.cursor.position
        if position != self._known_at:
            self._known.clear()
            self._rooms.clear()
            self._known_at = position

    def _lacks(self, end: tuple[int, int] | None) -> bool:
        """Whether there are lines after this state; another process may have passed the `end`."""
        cursor = self.cursor
        if end is not None and (cursor.segment, cursor.offset) >= end:
            return False
        return next(scan(self._folder.journal, cursor, end), None) is not None

    def _fold_slice(self, end: tuple[int, int] | None) -> Cursor:
        """Fold some lines in one transaction; the place after them."""
        self._db.execute("begin immediate")
        after = self.cursor
        if not self._lacks(end):
            return after
        fold = Fold(self._db, self._folder.origin)
        for line, place in itertools.islice(scan(self._folder.journal, after, end), _SLICE):
            fold.see(line, place)
            after = place
        fold.write(after)
        self._db.commit()
        return after

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
        asked = (key, branch or MAIN)
        if asked not in self._known:
            if not self._has_room(key.partition("/")[0]):
                return None
            on_main = branch is None  # one row, found by the table's key
            row = self._db.execute(
                _ON_MAIN if on_main else _ON_BRANCH,
                (key, MAIN) if on_main else (key, MAIN, branch),
            ).fetchone()
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[asked] = (row[0], row[1], row[2]) if row else None
        return self._known[asked]

    def _has_room(self, room: str) -> bool:
        """Whether any key of a room was ever set: nothing is refuted in most records."""
        if room not in self._rooms:
            row = self._db.execute(
                "select 1 from standings where key >= ? and key < ? limit 1", (room, f"{room}0")
            ).fetchone()
            self._rooms[room] = row is not None
        return self._rooms[room]

    def names(self, room: str, branch: str | None = None) -> list[str]:
        """Names that were given in a room of standings, in order; of very many the first ones."""
        rows = self._db.execute(
            "select distinct key from standings where key >= ? and key < ? and branch in (?, ?) "
            "order by key limit ?",
            (f"{room}/", f"{room}0", MAIN, branch or MAIN, _MOST_NAMES),
        )
        return [row[0].partition("/")[2] for row in rows]

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
        return self._entries.read(hash_)

    def event(self, hash_: bytes) -> object:
        """The typed event of an entry; None where there is no such entry."""
        return self._entries.event(hash_)

    def close(self) -> None:
        """Close the file."""
        self._entries.close()
        self._db.close()
