"""Folding lines of the journal into the state: a slice of many lines, one transaction.

Most entries only need their head: where they lie, and which number their stream has reached. The
kinds that later decisions ask about are read as events.
"""

import sqlite3
from typing import Final

import msgspec

from ledger.entry import Entry, entry_hash, parse_entry
from ledger.errors import IntegrityError, Malformed
from ledger.events import KINDS, read_event
from ledger.events.base import Event, UnknownEvent
from ledger.events.branch import BranchImported, BranchMerged
from ledger.events.reported import Reported
from ledger.ids import qualify
from ledger.journal.line import Line
from ledger.journal.segments import Cursor

#: The branch column of what stands on the main line.
MAIN: Final = ""
#: Names that are given once: where two lines gave one, the first holds.
_GIVEN_ONCE: Final = ("criterion", "demand", "claim", "provenance", "ledger")


class _Head(msgspec.Struct):
    """The fields of an entry that every line is read for."""

    kind: str
    origin: str
    stream: str
    stream_version: int
    branch: str | None


_HEAD: Final = msgspec.json.Decoder(_Head)


class Fold:
    """One slice under way: rows gathered line by line, written by `write`."""

    def __init__(self, db: sqlite3.Connection, origin: str) -> None:
        self._db = db
        self._origin = origin
        self._streams: dict[tuple[str, str], int] = {}
        self._entries: list[tuple[bytes, int, int, int]] = []
        row = db.execute("select last, branch from imports order by first desc limit 1").fetchone()
        #: The last position of the latest import, and its branch.
        self._imported: tuple[int, str] = row or (-1, MAIN)

    def see(self, line: Line, cursor: Cursor) -> None:
        """Take a line; `cursor` is the place after it. Raises `IntegrityError`."""
        try:
            head = _HEAD.decode(line.entry)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _no_entry(line, str(error)) from error
        hash_ = entry_hash(line.entry)
        length = len(line.entry) + len(str(line.position)) + 67
        self._entries.append((hash_, line.position, cursor.segment, cursor.offset - length))
        is_imported = line.position <= self._imported[0]
        if not is_imported:
            self._streams[head.origin, head.stream] = head.stream_version + 1
        if head.kind in STANDING_KINDS:
            branch = self._imported[1] if is_imported else head.branch or MAIN
            self._see_event(line, hash_, branch, is_imported=is_imported)

    def _see_event(self, line: Line, hash_: bytes, branch: str, *, is_imported: bool) -> None:
        try:
            entry = parse_entry(line.entry)
        except Malformed as error:
            raise _no_entry(line, str(error)) from error
        try:
            event = read_event(entry.kind, entry.schema_version, entry.body)
        except Malformed:
            return  # recorded by a program with other checks: audit reports it
        if isinstance(event, UnknownEvent):
            return
        for key, value in event.standings():
            self._stand(branch, self._qualified(key, entry), value, hash_, line.position)
        self._db.executemany(
            "insert or ignore into listed values (?, ?, ?, ?)",
            [
                (branch, self._qualified(key, entry), line.position, hash_)
                for key in event.listings()
            ],
        )
        if is_imported:
            return  # what another ledger imported, merged or took in is its own affair
        if isinstance(event, Reported) and event.source is not None:
            self._db.execute(
                "insert into sources values (?, ?, 1) on conflict do update set times = times + 1",
                (entry.stream, event.source.line_sha256),
            )
        if isinstance(event, BranchImported):
            first, last = line.position + 1, line.position + event.entries
            self._imported = (last, event.name)
            self._db.execute("insert into imports values (?, ?, ?)", (first, last, event.name))
        if isinstance(event, BranchMerged) and branch == MAIN:
            self._merge(event)

    def _qualified(self, key: str, entry: Entry) -> str:
        room, _, name = key.partition("/")
        return f"{room}/{qualify(name, entry.origin, self._origin)}" if name else key

    def _stand(self, branch: str, key: str, value: str, hash_: bytes, position: int) -> None:
        if branch != MAIN and key.partition("/")[0] in ("ledger", "branch", "merged"):
            return
        self._db.execute(
            "insert or replace into standings values (?, ?, ?, ?, ?)",
            (branch, key, value, hash_, position),
        )

    def _merge(self, event: BranchMerged) -> None:
        """What the branch says up to its head is said on the main line, too."""
        self._write_entries()
        head = self._db.execute(
            "select position from entries where hash = ?", (bytes.fromhex(event.head[7:]),)
        ).fetchone()
        rows = self._db.execute(
            "select key, value, hash, position from standings where branch = ? and position <= ?",
            (event.name, head[0] if head else -1),
        ).fetchall()
        for key, value, hash_, position in rows:
            known = self._db.execute(
                "select value, position from standings where branch = ? and key = ?", (MAIN, key)
            ).fetchone()
            if known is None or _overrides(key, (value, position), known):
                self._stand(MAIN, key, value, hash_, position)
        self._db.execute(
            "insert or ignore into listed select ?, key, position, hash from listed "
            "where branch = ? and position <= ?",
            (MAIN, event.name, head[0] if head else -1),
        )

    def write(self, cursor: Cursor) -> None:
        """Write what was gathered, and the place up to which it is true."""
        self._write_entries()
        self._db.executemany(
            "insert or replace into streams values (?, ?, ?)",
            [(*stream, version) for stream, version in self._streams.items()],
        )
        self._streams.clear()
        self._db.execute("delete from place")
        self._db.execute(
            "insert into place values (?, ?, ?, ?)",
            (cursor.position, cursor.segment, cursor.offset, cursor.chain),
        )

    def _write_entries(self) -> None:
        # In the order of the key: neighbours go to one page of the tree.
        self._entries.sort()
        self._db.executemany("insert or ignore into entries values (?, ?, ?, ?)", self._entries)
        self._entries.clear()


def _overrides(key: str, value: tuple[str, int], known: tuple[str, int]) -> bool:
    """Whether a branch's (value, position) of a key takes the place of the main line's."""
    room = key.partition("/")[0]
    if room == "allocated":
        return int(value[0]) > int(known[0])
    return room not in _GIVEN_ONCE and value[1] > known[1]


def _no_entry(line: Line, why: str) -> IntegrityError:
    return IntegrityError(
        f"entry {line.position} is in the chain but is no entry: {why}",
        hint="run `ledger audit`",
        position=line.position,
    )


def kinds_with_standings() -> frozenset[str]:
    """Kinds whose events must be decoded when folding; steps and numbers need not be."""
    own = {
        kind.name
        for kind in KINDS.values()
        if kind.event.standings is not Event.standings or kind.event.listings is not Event.listings
    }
    reported = {k.name for k in KINDS.values() if k.family == "reported"}
    return frozenset(own | reported)


STANDING_KINDS: Final = kinds_with_standings()
