"""Reading one range for every check: what a process does, alone or beside others.

What comes of it depends on the bytes of the range and on what may come first there, on nothing
else. So it does not matter which process reads a range, nor when.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import attrs

from ledger.audit.base import Block, Check, Finding, Plain, Seen, Whole, finding_at
from ledger.audit.branches import BranchEvent
from ledger.audit.contents import read_contents
from ledger.audit.index import pack_prefixes, pack_rows
from ledger.audit.lines import Lines, read_lines, split_lines, whole_pieces
from ledger.audit.order import Break, Order
from ledger.audit.segments import Range
from ledger.entry import Entry, parse_hash
from ledger.events import KINDS
from ledger.events.branch import BranchImported, BranchMerged
from ledger.events.form import references
from ledger.folder import Folder
from ledger.ids import is_hash

NAME: Final = "chain"


@attrs.frozen(slots=True, kw_only=True)
class Part:
    """What reading one range gave: `order` is what it began with, `following` what may follow."""

    number: int
    order: Order
    following: Order
    entries: int
    findings: tuple[Finding, ...]
    breaks: tuple[Break, ...]
    branch_events: tuple[BranchEvent, ...]
    #: One item a check: what it collected.
    collected: tuple[Any, ...]
    #: What the index keeps of its lines.
    prefixes: bytes
    others: bytes
    citations: bytes


def read_range(folder: Folder, range_: Range, order: Order, checks: Sequence[Check]) -> Part:
    """Read a range from `order` on, and let every check see it. Raises `StoreFailed`.

    Without checks only order and chain are verified.
    """
    raw = range_.read(folder.journal)
    reading = _Reading(checks, range_.start, _missing(range_, order))
    following = _begin(range_, order)
    for piece in whole_pieces(raw):
        lines = read_lines(piece, following)
        reading.take(lines, piece)
        following = lines.order
    hashes = b"".join(reading.hashes)
    if checks:
        whole = Whole(
            raw=raw,
            is_sound=reading.is_sound,
            positions=reading.positions(),
            hashes=hashes,
            rows=range_.rows,
            block=functools.partial(read_block, folder, range_, order),
        )
        reading.finish(whole)
    return Part(
        number=range_.number,
        order=order,
        following=following,
        entries=reading.count,
        findings=tuple(reading.findings),
        breaks=tuple(reading.breaks),
        branch_events=tuple(reading.branch_events),
        collected=tuple(check.collect() for check in checks),
        prefixes=pack_prefixes(hashes),
        others=pack_rows(reading.others),
        citations=pack_rows(reading.citations),
    )


def read_block(folder: Folder, range_: Range, order: Order) -> Block:
    """A whole range as one block. Raises `StoreFailed`."""
    lines = read_lines(range_.read(folder.journal), _begin(range_, order))
    return _block(lines, 0)[0]


class _Reading:
    """What was read of one range so far."""

    def __init__(self, checks: Sequence[Check], offset: int, findings: Iterable[Finding]) -> None:
        self._checks = checks
        self._offset = offset
        self._positions: list[Sequence[int]] = []
        self.count = 0
        self.is_sound = True
        self.findings = list(findings)
        self.breaks: list[Break] = []
        self.branch_events: list[BranchEvent] = []
        #: (index, byte of the segment, hash): of lines that are not plain, and what they cite.
        self.others: list[tuple[int, int, bytes]] = []
        self.citations: list[tuple[int, int, bytes]] = []
        self.hashes: list[bytes] = []

    def take(self, lines: Lines, piece: bytes) -> None:
        """Take the next lines, those of `piece`, and let the checks see them."""
        before, self.count = self.count, self.count + len(lines.data)
        self.is_sound = self.is_sound and lines.is_sound
        self.breaks += lines.breaks
        if not self._checks:
            self.findings += _problems(lines, None, lines.problems)
            return
        block, problems = _block(lines, before)
        self.findings += _problems(lines, block, problems | lines.problems)
        for check in self._checks:
            self.findings += check.see_block(block)
        self.branch_events += _branch_events(block.seen)
        starts = _starts(piece, self._offset) if block.seen else []
        for seen in block.seen:
            place = seen.index, starts[seen.index - before]
            self.others.append((*place, seen.hash))
            self.citations += ((*place, cited) for cited in _cited(seen))
        self._offset += len(piece)
        self.hashes.append(b"".join(lines.hashes))
        self._positions.append(lines.positions)

    def positions(self) -> Sequence[int]:
        """Of all lines. Where all is sound they count up."""
        if self.is_sound and self.count:
            first = self._positions[0][0]
            return range(first, first + self.count)
        return [position for positions in self._positions for position in positions]

    def finish(self, whole: Whole) -> None:
        """Let the checks see the range as a whole."""
        for check in self._checks:
            self.findings += check.see_whole(whole)


def _missing(range_: Range, order: Order) -> Iterator[Finding]:
    """That a segment does not begin where the one before ends."""
    if _begin(range_, order) is order:
        return
    message = (
        f"a segment begins at {range_.segment}; the entries from {order.position} on are missing"
    )
    yield Finding(
        severity="broken", check=NAME, position=order.position, hash=None, message=message
    )


def _begin(range_: Range, order: Order) -> Order:
    """What may come first in a range: a segment begins with the position in its name."""
    if range_.start == 0 and range_.segment != order.position:
        return order.begin_at(range_.segment)
    return order


def _block(lines: Lines, before: int) -> tuple[Block, dict[int, str]]:
    """What the entries say, and by index what is wrong with one as an entry."""
    plain, seen, problems = read_contents(lines, before)
    block = Block(
        positions=lines.positions,
        chains=lines.chains,
        hashes=lines.hashes,
        data=lines.data,
        plain=plain,
        seen=seen,
    )
    return block, problems


def _problems(lines: Lines, block: Block | None, problems: dict[int, str]) -> Iterator[Finding]:
    """What is wrong with lines; each is named by what it says, where that can be read."""
    if not problems:
        return
    entries: dict[int, Entry | Plain] = {}
    if block is not None:
        others = iter(block.seen)
        for index, plain in enumerate(block.plain):
            entry = plain if plain is not None else next(others).entry
            if entry is not None:
                entries[index] = entry
    for index, problem in sorted(problems.items()):
        named = entries.get(index)
        message = f"{named.kind} in {named.stream}: {problem}" if named else problem
        place = lines.positions[index], lines.hashes[index]
        yield finding_at(*place, "broken", NAME, message)


def _branch_events(seen: Iterable[Seen]) -> Iterator[BranchEvent]:
    for found in seen:
        if isinstance(found.event, (BranchImported, BranchMerged)) and found.entry is not None:
            yield BranchEvent(found.position, found.hash, found.entry.branch, found.event)


def _starts(piece: bytes, offset: int) -> list[int]:
    """Where each line of a piece begins that itself begins at `offset`."""
    return list(itertools.accumulate(map(len, split_lines(piece)), initial=offset))


def _cited(seen: Seen) -> Iterator[bytes]:
    """The hash of everything that an entry says it rests on: its cites, and typed fields."""
    entry = seen.entry
    if entry is None:
        return
    kind = KINDS.get(entry.kind)
    named = filter(is_hash, references(kind, entry.body, "entry")) if kind is not None else ()
    for cited in dict.fromkeys((*entry.cites, *named)):
        yield parse_hash(cited)
