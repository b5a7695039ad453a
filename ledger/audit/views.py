"""The views agree with the journal: the database row by row, the state at its place."""

from collections.abc import Iterable

from ledger.audit.base import Finding, Seen, Severity
from ledger.entry import format_hash
from ledger.errors import LedgerError
from ledger.folder import Folder
from ledger.state import read_cursor
from ledger.store.rows import StoredRow, differing_tables, read_rows


class StoreCheck:
    """Every row of `events` is the journal's entry, to the byte, and the other tables follow."""

    name = "store"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._error: str | None = None
        self._compared = 0
        self._last = -1
        self._lost = 0
        self._first_lost = 0
        self._rows = read_rows(folder)
        self._row: StoredRow | None = None
        self._advance()

    def see(self, seen: Seen) -> Iterable[Finding]:
        """The stored row at this position is this entry."""
        self._last = max(self._last, seen.position)
        while self._row is not None and self._row.position < seen.position:
            self._first_lost = self._first_lost if self._lost else self._row.position
            self._lost += 1
            self._advance()
        row = self._row
        if row is None:
            return
        if row.position > seen.position:
            yield seen.finding("broken", self.name, "the database has no such entry here")
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
            self._row = next(self._rows, None)
        except LedgerError as error:
            self._row, self._error = None, error.message

    def finish(self) -> Iterable[Finding]:
        """The database is not ahead of the journal, and has nothing that the journal lacks."""
        if self._lost:
            message = (
                f"the database holds {self._lost} entries that the journal lacks, "
                f"the first at position {self._first_lost}"
            )
            yield self._finding("broken", message)
        if self._error is not None:
            yield self._finding("note", f"the database was not read: {self._error}")
        elif self._row is not None:
            *_, last = (self._row, *self._rows)
            message = (
                f"the database holds entries up to position {last.position}, the journal ends at "
                f"{self._last}: the journal lost entries"
            )
            yield self._finding("broken", message)
        elif not self._lost and self._compared <= self._last:
            yield self._finding("note", f"the database holds {self._compared} entries so far")
        yield from self._tables()

    def _tables(self) -> Iterable[Finding]:
        """What queries and documents read follows from the events."""
        if self._error is not None:
            return
        try:
            for table, rows in differing_tables(self._folder):
                message = f"the table {table} differs in {rows} rows from what the events give"
                yield self._finding("broken", message)
        except LedgerError as error:
            yield self._finding("note", f"the tables were not read: {error.message}")

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
        self._last = -1
        self._place = read_cursor(folder)

    def see(self, seen: Seen) -> Iterable[Finding]:
        """The chain where the state stands is the journal's."""
        self._last = max(self._last, seen.position)
        place = self._place
        if place is None or seen.position != place.position - 1 or seen.chain == place.chain:
            return
        message = f"the state file was made from another entry at position {seen.position}"
        yield seen.finding("broken", self.name, message)

    def finish(self) -> Iterable[Finding]:
        """The state is not ahead of the journal."""
        if self._place is not None and self._place.position > self._last + 1:
            message = (
                f"the state file stands at position {self._place.position - 1}, the journal ends "
                f"at {self._last}: the journal lost entries"
            )
            yield Finding(
                severity="broken", check=self.name, position=None, hash=None, message=message
            )
