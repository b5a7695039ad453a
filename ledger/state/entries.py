"""Entries by hash, read from the journal: what rules ask for, again and again.

A hash names its bytes for ever, so what was read once is kept; segments are kept open.
"""

import os
import sqlite3
import weakref
from typing import Final

import msgspec

from ledger.entry import Entry, entry_hash, read_known
from ledger.errors import IntegrityError, Malformed
from ledger.events import KINDS, read_event
from ledger.folder import Folder
from ledger.journal.line import MAX_LINE_BYTES, parse_line
from ledger.journal.segments import segment_path

#: Entries kept (a judgement of ten thousand rows asks for them twice), and segments kept open.
_KEPT: Final = 65_536
_OPEN: Final = 16
#: Bytes read at once; nearly every line is shorter.
_GUESS: Final = 2048


class Entries:
    """Reads entries that `state.sqlite` knows the place of."""

    def __init__(self, folder: Folder, db: sqlite3.Connection) -> None:
        self._folder = folder
        self._db = db
        self._read: dict[bytes, tuple[Entry, int]] = {}
        self._events: dict[bytes, object] = {}
        self._segments: dict[int, int] = {}
        weakref.finalize(self, _close_all, self._segments)

    def read(self, hash_: bytes) -> tuple[Entry, int] | None:
        """The entry with this hash and its position. Raises `IntegrityError` for another one."""
        known = self._read.get(hash_)
        if known is not None:
            return known
        row = self._db.execute(
            "select position, segment, offset from entries where hash = ?", (hash_,)
        ).fetchone()
        if row is None:
            return None
        position, segment, offset = row
        try:
            line = parse_line(self._line(segment, offset))
            found = entry_hash(line.entry)
        except Malformed:
            found = b""
        if found != hash_:
            raise IntegrityError(
                f"entry {position} is not the one that was recorded",
                hint="run `ledger audit`",
                position=position,
            )
        if len(self._read) >= _KEPT:
            self._read.clear()
            self._events.clear()
        self._read[hash_] = read_known(line.entry), position
        return self._read[hash_]

    def event(self, hash_: bytes) -> object:
        """The typed event of an entry; None where there is no such entry."""
        if hash_ not in self._events:
            found = self.read(hash_)
            if found is None:
                return None
            self._events[hash_] = _typed(found[0])
        return self._events[hash_]

    def _line(self, segment: int, offset: int) -> bytes:
        """The bytes from a place up to the end of its line."""
        descriptor = self._segments.get(segment)
        if descriptor is None:
            if len(self._segments) >= _OPEN:
                _close_all(self._segments)
            path = segment_path(self._folder.journal, segment)
            descriptor = self._segments[segment] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        data = os.pread(descriptor, _GUESS, offset)
        if b"\n" not in data:
            data = os.pread(descriptor, MAX_LINE_BYTES, offset)
        return data[: data.find(b"\n") + 1]

    def close(self) -> None:
        """Let go of the segments."""
        _close_all(self._segments)


def _typed(entry: Entry) -> object:
    """The event of an entry whose form was checked when it was recorded."""
    kind = KINDS.get(entry.kind)
    if kind is not None and entry.schema_version <= kind.version:
        try:
            return msgspec.convert(kind.upcast(entry.body, entry.schema_version), kind.event)
        except msgspec.ValidationError:
            pass
    return read_event(entry.kind, entry.schema_version, entry.body)


def _close_all(segments: dict[int, int]) -> None:
    while segments:
        os.close(segments.popitem()[1])
