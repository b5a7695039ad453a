"""The views agree with the journal: the database row by row, the state at its place."""

from collections.abc import Iterable, Iterator

from ledger.audit.base import Finding, Seen, Severity
from ledger.entry import format_hash
from ledger.errors import LedgerError
from ledger.folder import Folder
from ledger.store.rows import StoredRow, read_rows


class StoreCheck:
    """Every row of `events` is the journal's entry at that position, to the byte."""

    name = "store"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._rows: Iterator[StoredRow] | None = None
        self._row: StoredRow | None = None
        self._error: str | None = None
        self._compared = 0
        self._last = -1

    def see(self, seen: Seen) -> Iterable[Finding]:
        """The stored row at this position is this entry."""
        if self._rows is None:
            self._rows = read_rows(self._folder)
            self._advance()
        self._last = seen.position
        row = self._row
        if row is None or row.position > seen.position:
            if row is not None:
                yield seen.finding("broken", self.name, "the database lacks this entry")
            return
        same = (row.hash, row.chain, row.entry.encode()) == (
            format_hash(seen.hash),
            seen.chain.hex(),
            seen.data,
        )
        if not same:
            message = f"the database holds another entry here: {row.hash}"
            yield seen.finding("broken", self.name, message)
        self._compared += 1
        self._advance()

    def _advance(self) -> None:
        try:
            self._row = next(self._rows, None) if self._rows is not None else None
        except LedgerError as error:
            self._row, self._error = None, error.message

    def finish(self) -> Iterable[Finding]:
        """The database is not ahead of the journal."""
        if self._error is not None:
            yield self._finding("note", f"the database was not read: {self._error}")
        elif self._row is not None:
            message = (
                f"the database holds position {self._row.position}, the journal ends at "
                f"{self._last}: the journal lost entries"
            )
            yield self._finding("broken", message)
        elif self._compared <= self._last:
            yield self._finding("note", f"the database holds {self._compared} entries so far")

    def _finding(self, severity: Severity, message: str) -> Finding:
        return Finding(
            severity=severity,
            check=self.name,
            position=None,
            hash=None,
            message=message,
        )


class StateCheck:
    """The state file stands at a place that the journal has."""

    name = "state"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._chains: dict[int, bytes] = {}
        self._last = -1
        self._place: tuple[int, bytes] | None = None

    def see(self, seen: Seen) -> Iterable[Finding]:
        """Remember the chain where the state stands."""
        if self._last < 0:
            self._place = self._read_place()
        self._last = seen.position
        is_there = self._place is not None and seen.position == self._place[0] - 1
        if is_there and self._place is not None and seen.chain != self._place[1]:
            message = "the state file was made from another entry at this position"
            yield seen.finding("broken", self.name, message)

    def _read_place(self) -> tuple[int, bytes] | None:
        from ledger.state import read_place

        return read_place(self._folder)

    def finish(self) -> Iterable[Finding]:
        """The state is not ahead of the journal."""
        if self._place is not None and self._place[0] > self._last + 1:
            message = (
                f"the state file stands at position {self._place[0] - 1}, the journal ends at "
                f"{self._last}: the journal lost entries"
            )
            yield Finding(
                severity="broken", check=self.name, position=None, hash=None, message=message
            )
