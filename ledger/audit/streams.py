"""Streams are numbered without gaps, and bodies have the form of their kind.

What was recorded here counts from 0 without a hole in each (origin, stream). What was taken over
from another ledger keeps the numbers it had there: each follows one that was recorded before it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from ledger.audit.base import Block, Check, Finding, Seen, finding_at
from ledger.audit.index import Index
from ledger.events.base import UnknownEvent
from ledger.events.branch import BranchImported
from ledger.folder import Folder

#: What entries are counted in: (origin, stream).
_Key = tuple[str, str]


@attrs.define
class _Run:
    """Entries of one stream with numbers from `version` up to `due`.

    The first stands at `position` and has this hash; the last stands at `last` or before it.
    """

    key: _Key
    version: int
    due: int
    position: int
    hash: bytes
    last: int = -1


class StreamCheck(Check):
    """stream_version counts from 0 within (origin, stream); each body is a sound event."""

    name = "streams"

    def __init__(self, folder: Folder) -> None:
        self._origin = folder.origin
        self._runs = _Runs()
        self._unknown: Counter[str] = Counter()
        #: Of the ranges merged so far: what is due of that recorded here, and what can follow.
        self._due: dict[_Key, int] = {}
        self._reached: dict[_Key, int] = {}
        self._passed: Counter[str] = Counter()

    def see_block(self, block: Block) -> Iterable[Finding]:
        """The form of each body. The numbers are for `merge`, which knows the ranges before."""
        self._runs.add(block)
        for seen in block.seen:
            yield from self._form(seen)

    def _form(self, seen: Seen) -> Iterable[Finding]:
        if isinstance(seen.event, UnknownEvent):
            self._unknown[seen.event.kind] += 1
        if seen.form and seen.entry is not None:
            message = f"{seen.entry.kind} does not have its form: {'; '.join(seen.form)}"
            yield seen.finding("broken", self.name, message)

    def collect(self) -> Any:  # noqa: ANN401 - see `merge`
        """The numbers of this range, run by run, and unknown kinds."""
        collected = self._runs.end(), self._unknown
        self._runs, self._unknown = _Runs(), Counter()
        return collected

    def merge(self, collected: Any, index: Index) -> Iterable[Finding]:  # noqa: ANN401 - as above
        """Each stream goes on where the entries before left it."""
        runs, unknown = collected
        self._passed += unknown
        if any(self._is_taken_over(run, index) is None for run in runs):
            # An import of an earlier range ends in the middle of a run.
            block = index.block()
            end = index.branches.end_at(block.positions[0])
            again = _Runs(() if end is None else (end + 1,))
            again.add(block)
            runs = again.end()
        for run in runs:
            if self._is_taken_over(run, index):
                yield from self._follow(run)
            else:
                yield from self._count(run)

    def _is_taken_over(self, run: _Run, index: Index) -> bool | None:
        """Whether a run came from another ledger; null where only a part of it did."""
        if run.key[0] != self._origin:
            return index.branches.branch_at(run.position) is not None
        return index.branches.is_taken_over(run.position, run.last)

    def _count(self, run: _Run) -> Iterable[Finding]:
        """Numbers that were given here."""
        due = self._due.get(run.key, 0)
        if run.version != due:
            yield self._gap(run, f"where {due} is due")
        self._due[run.key] = run.due
        self._reached[run.key] = max(run.due, self._reached.get(run.key, 0))

    def _follow(self, run: _Run) -> Iterable[Finding]:
        """Numbers that were given elsewhere."""
        reached = self._reached.get(run.key, 0)
        if run.version > reached:
            yield self._gap(run, f"where {reached} is the highest that can follow")
        self._reached[run.key] = max(run.due, reached)

    def _gap(self, run: _Run, why: str) -> Finding:
        message = f"{run.key[1]} has version {run.version} {why}"
        return finding_at(run.position, run.hash, "broken", self.name, message)

    def finish(self, index: Index) -> Iterable[Finding]:  # noqa: ARG002 - the contract of a check
        """Kinds this program does not know were hashed, not read."""
        for kind, count in sorted(self._passed.items()):
            message = f"{count} events of kind {kind}, which this program does not know"
            yield Finding(
                severity="note", check=self.name, position=None, hash=None, message=message
            )


class _Runs:
    """The runs of a range, block by block. One ends before each cut, and around imports."""

    def __init__(self, cuts: Iterable[int] = ()) -> None:
        self._cuts = set(cuts)
        self._found: list[_Run] = []
        self._going: dict[_Key, _Run] = {}
        self._last = -1

    def add(self, block: Block) -> None:
        """Take the numbers of the next block."""
        for seen in block.seen:
            if isinstance(seen.event, BranchImported):
                first = seen.position + 1
                self._cuts |= {first, first + seen.event.entries}
        going, cuts, positions = self._going, self._cuts, block.positions
        for index, key, version in _numbers(block):
            if positions[index] in cuts:
                self._end()
            run = going.get(key)
            if run is not None and run.due == version:
                run.due = version + 1
            else:
                if run is not None:
                    run.last = self._last
                run = _Run(key, version, version + 1, positions[index], block.hashes[index])
                going[key] = run
                self._found.append(run)
            self._last = positions[index]

    def _end(self) -> None:
        for run in self._going.values():
            run.last = self._last
        self._going.clear()

    def end(self) -> list[_Run]:
        """All of them."""
        self._end()
        return self._found


def _numbers(block: Block) -> Iterator[tuple[int, _Key, int]]:
    """(index, key, version) of each entry that could be read."""
    others = iter(block.seen)
    for index, plain in enumerate(block.plain):
        if plain is not None:
            yield index, (plain.origin, plain.stream), plain.stream_version
            continue
        entry = next(others).entry
        if entry is not None:
            yield index, (entry.origin, entry.stream), entry.stream_version
