"""Reading the raw journal for the audit: every line as it is, damaged ones included."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ledger.audit.base import Finding, Seen
from ledger.entry import entry_hash, parse_entry
from ledger.errors import IntegrityError, Malformed, StoreFailed
from ledger.folder import Folder
from ledger.journal.line import MAX_LINE_BYTES, Line, chain_start, extend, parse_line
from ledger.journal.segments import segment_path

_SEGMENT: Final = re.compile(r"(\d{20})\.log")
NAME: Final = "chain"
#: How many of the candidates before a bad line are still tried after it.
_CANDIDATES: Final = 4


class _Order:
    """What may come next: after a line that did not fit, more than one thing.

    Each candidate is a position with the chain value before it (null where that is lost). So one
    changed byte, one line too many, too few or out of place is reported where it is, and not again
    at every line after it.
    """

    def __init__(self, origin: str) -> None:
        self._due: list[tuple[int, bytes | None]] = [(0, chain_start(origin))]

    @property
    def position(self) -> int:
        """The position that is due."""
        return self._due[0][0]

    def begin_at(self, position: int) -> None:
        """Go on at a position, with what came before it missing."""
        self._due = [(position, None)]

    def skip(self) -> None:
        """Go on after a line that could not be read at all."""
        self._due = [(self.position + 1, None)]

    def take(self, line: Line) -> str | None:
        """Go on after a line; what is wrong with it, if anything."""
        for index, (position, chain) in enumerate(self._due):
            fits = chain is None or extend(chain, line.entry) == line.chain
            if position == line.position and fits:
                others = self._due if index else []
                self._due = [(position + 1, line.chain), *others[:_CANDIDATES]]
                return None
        before = [chain for position, chain in self._due if position == line.position]
        due = self.position
        self._due = [
            (due + 1, line.chain),
            *((line.position + 1, extend(chain, line.entry)) for chain in before if chain),
            (line.position + 1, line.chain),
            *self._due[:_CANDIDATES],
        ]
        if not before:
            return f"it says position {line.position} where {due} is due"
        return "its bytes are not the ones that were recorded: the chain does not fit"


def read_lines(folder: Folder) -> Iterator[Seen | Finding]:
    """Yield each line, and a finding for each place where order, form or chain do not fit.

    Raises `IntegrityError` where there is no journal, `StoreFailed` where it cannot be read.
    """
    order, length = _Order(folder.origin), 0
    firsts = _list_segments(folder)
    for first in firsts:
        if first != order.position:
            yield _missing(order.position, first)
            order.begin_at(first)
        offset = 0
        with _open(segment_path(folder.journal, first)) as file:
            while data := file.readline(MAX_LINE_BYTES + 1):
                if first == firsts[-1] and not data.endswith(b"\n"):
                    length = len(data)
                    break
                seen, problem = _examine(data, order, (first, offset))
                if problem is not None:
                    what = f"{seen.entry.kind} in {seen.entry.stream}: " if seen.entry else ""
                    yield seen.finding("broken", NAME, what + problem)
                offset += len(data)
                yield seen
    if length:
        message = f"the last {length} bytes are no whole line: a crash; the next append heals it"
        yield Finding(
            severity="note", check=NAME, position=order.position, hash=None, message=message
        )


def _list_segments(folder: Folder) -> list[int]:
    try:
        names = [path.name for path in folder.journal.iterdir()]
    except FileNotFoundError as error:
        raise IntegrityError(
            f"the journal is missing: there is no folder {folder.journal}",
            hint="restore it from a copy; everything else can be rebuilt from it",
        ) from error
    except OSError as error:
        raise StoreFailed(
            f"cannot read {folder.journal}: {error.strerror}", hint="check the permissions"
        ) from error
    return sorted(int(match[1]) for name in names if (match := _SEGMENT.fullmatch(name)))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise StoreFailed(
            f"cannot read {path}: {error.strerror}", hint="check the permissions"
        ) from error


def _missing(expected: int, first: int) -> Finding:
    message = f"a segment begins at {first}; the entries from {expected} on are missing"
    return Finding(severity="broken", check=NAME, position=expected, hash=None, message=message)


def _examine(data: bytes, order: _Order, place: tuple[int, int]) -> tuple[Seen, str | None]:
    """The line with what is wrong with it, if anything."""
    problem, position = None, order.position
    entry, raw, chain = None, data, b""
    try:
        line = parse_line(data)
        raw, chain, position = line.entry, line.chain, line.position
        problem = order.take(line)
        entry = parse_entry(raw)
    except Malformed as error:
        reasons = "; ".join(error.reasons)
        problem = problem or error.message + (f": {reasons}" if reasons else "")
        if raw is data:
            order.skip()
    seen = Seen(
        position=position,
        segment=place[0],
        offset=place[1],
        data=raw,
        hash=entry_hash(raw),
        chain=chain,
        entry=entry,
    )
    return seen, problem
