"""The views agree with the journal: the database row by row, the state at its place."""

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Final

import attrs

from ledger.audit.base import Block, Check, Finding, Severity, Whole, finding_at
from ledger.audit.index import Index
from ledger.entry import format_hash
from ledger.errors import LedgerError
from ledger.folder import Folder
from ledger.ids import HASH_PREFIX
from ledger.state import read_cursor
from ledger.store.rows import StoredRow, StoredRows

_MISSING: Final = "the database has no such entry here"
_STRANGE: Final = "another column of the database says something else than the entry here"
#: Rows that are compared at a time where no range answers for them.
_STRIDE: Final = 50_000


@attrs.define
class _Compared:
    """What one range, or all so far, showed of the database."""

    #: Positions of rows for which the range that answers for them has no line.
    lost: list[int] = attrs.Factory(list)
    #: Positions of lines in a range that does not answer for their rows.
    elsewhere: set[int] = attrs.Factory(set)
    #: Rows that differ, by table.
    tables: Counter[str] = attrs.Factory(Counter)
    #: Up to where ranges answered for rows.
    beyond: int = 0
    error: str | None = None

    def add(self, other: "_Compared") -> None:
        """Take what another range showed."""
        self.lost += other.lost
        self.elsewhere |= other.elsewhere
        self.tables += other.tables
        self.beyond = max(self.beyond, other.beyond)
        self.error = self.error or other.error


class StoreCheck(Check):
    """Every row of `events` is the journal's entry, to the byte, and the other tables follow."""

    name = "store"

    def __init__(self, folder: Folder) -> None:
        self._stored = StoredRows(folder)
        self._here = _Compared()
        self._all = _Compared()
        try:
            self._stored.open()
        except LedgerError as error:
            self._all.error = error.message

    def see_whole(self, whole: Whole) -> Iterable[Finding]:
        """The rows that a range answers for are its entries, and the tables follow from them."""
        first, beyond = whole.rows
        self._here.beyond = beyond
        if self._all.error is not None or not self._stored.is_there:
            return
        try:
            self._stored.look_at(first, beyond)
            strange = self._stored.strange()
            if strange or not self._is_same(whole):
                block = whole.block()
                yield from self._compare(block, first, beyond)
                for index, position in enumerate(block.positions):
                    if position in strange:
                        yield self._at(block, index, _STRANGE)
            self._here.tables.update(dict(self._stored.differing()))
        except LedgerError as error:
            self._here.error = error.message

    def _is_same(self, whole: Whole) -> bool:
        """Whether a sound range and its rows are the same bytes: the rule, and quick to see."""
        first, beyond = whole.rows
        if not whole.is_sound or whole.positions != range(first, beyond):
            return False
        count = max(0, min(beyond, self._stored.end) - first)
        at = index = 0
        for stored in self._stored.texts(first, first + count):
            hashes = whole.hashes[32 * index : 32 * (index + stored.count)].hex(",", 32)
            is_same = (
                stored.has_lengths
                and stored.text.count(b"\n") == stored.count
                and whole.raw.startswith(stored.text, at)
                and stored.hashes == ("," + hashes).replace(",", HASH_PREFIX)
            )
            if not is_same:
                return False
            at, index = at + len(stored.text), index + stored.count
        return index == count

    def _compare(self, block: Block, first: int, beyond: int) -> Iterable[Finding]:
        """Row by row: which entry has no row, or another one, and which row has no entry."""
        places: dict[int, list[int]] = {}
        for index, position in enumerate(block.positions):
            places.setdefault(position, []).append(index)
        end = self._stored.end
        elsewhere = [at for at in places if not first <= at < beyond and at < end]
        self._here.elsewhere.update(elsewhere)
        for row in itertools.chain(
            self._stored.rows(first, min(beyond, end)), self._stored.rows_at(elsewhere)
        ):
            indexes = places.pop(row.position, None)
            if indexes is None:
                self._here.lost.append(row.position)
                continue
            for index in indexes:
                if not _is_row(row, block, index):
                    message = f"the database holds another entry here: {row.hash}"
                    yield self._at(block, index, message)
        for position, indexes in places.items():
            for index in indexes if position < end else ():
                yield self._at(block, index, _MISSING)

    def _at(self, block: Block, index: int, message: str) -> Finding:
        place = block.positions[index], block.hashes[index]
        return finding_at(*place, "broken", self.name, message)

    def collect(self) -> _Compared:
        """What this range showed."""
        collected, self._here = self._here, _Compared()
        return collected

    def merge(self, collected: _Compared, index: Index) -> Iterable[Finding]:  # noqa: ARG002
        """All ranges together."""
        self._all.add(collected)
        return ()

    def finish(self, index: Index) -> Iterable[Finding]:
        """The database is not ahead of the journal, and has nothing that the journal lacks."""
        found = self._all
        if found.error is None:
            try:
                self._compare_rest(found.beyond, index.last + 1)
            except LedgerError as error:
                found.error = error.message
        if found.error is not None:
            yield self._finding("note", f"the database was not read: {found.error}")
        yield from self._ends(index.last)
        for table, rows in sorted(found.tables.items()) if found.error is None else ():
            message = f"the table {table} differs in {rows} rows from what the events give"
            yield self._finding("broken", message)

    def _compare_rest(self, answered: int, end: int) -> None:
        """What no range answered for: there is such, where the last line of one was damaged."""
        first, rows = answered, self._stored.rows(answered, min(end, self._stored.end))
        while found := [row.position for row in itertools.islice(rows, _STRIDE)]:
            self._all.lost += found
            self._stored.look_at(first, found[-1] + 1)
            self._all.tables.update(dict(self._stored.differing()))
            first = found[-1] + 1
        if self._stored.end <= end:
            self._all.tables.update(dict(self._stored.beyond(max(first, end))))

    def _ends(self, last: int) -> Iterable[Finding]:
        """Where database and journal end, and what the journal has no entry for."""
        lost = [at for at in self._all.lost if at <= last and at not in self._all.elsewhere]
        if lost:
            message = (
                f"the database holds {len(lost)} entries that the journal lacks, "
                f"the first at position {min(lost)}"
            )
            yield self._finding("broken", message)
        if self._all.error is not None:
            return
        if self._stored.end > last + 1:
            message = (
                f"the database holds entries up to position {self._stored.end - 1}, the journal "
                f"ends at {last}: the journal lost entries"
            )
            yield self._finding("broken", message)
        elif not lost and self._stored.end <= last:
            yield self._finding("note", f"the database holds {self._stored.end} entries so far")

    def _finding(self, severity: Severity, message: str) -> Finding:
        return Finding(
            severity=severity, check=self.name, position=None, hash=None, message=message
        )


def _is_row(row: StoredRow, block: Block, index: int) -> bool:
    """Whether a row is the entry with this index, to the byte."""
    return (row.hash, row.chain, row.entry.encode()) == (
        format_hash(block.hashes[index]),
        block.chains[index].hex(),
        block.data[index],
    )


class StateCheck(Check):
    """The state file stands at a place that the journal has."""

    name = "state"

    def __init__(self, folder: Folder) -> None:
        self._place = read_cursor(folder)

    def see_block(self, block: Block) -> Iterable[Finding]:
        """The chain where the state stands is the journal's."""
        place = self._place
        if place is None or place.position - 1 not in block.positions:
            return
        for index, position in enumerate(block.positions):
            if position == place.position - 1 and block.chains[index] != place.chain:
                message = f"the state file was made from another entry at position {position}"
                yield finding_at(position, block.hashes[index], "broken", self.name, message)

    def finish(self, index: Index) -> Iterable[Finding]:
        """The state is not ahead of the journal."""
        if self._place is not None and self._place.position > index.last + 1:
            message = (
                f"the state file stands at position {self._place.position - 1}, the journal ends "
                f"at {index.last}: the journal lost entries"
            )
            yield Finding(
                severity="broken", check=self.name, position=None, hash=None, message=message
            )
