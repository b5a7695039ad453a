"""Reading the raw journal for the audit: every line as it is, damaged ones included."""

import re
from collections.abc import Iterator
from typing import Final

from ledger.audit.base import Finding, Seen
from ledger.entry import entry_hash, parse_entry
from ledger.errors import Malformed
from ledger.folder import Folder
from ledger.journal.line import MAX_LINE_BYTES, chain_start, extend, parse_line

_SEGMENT: Final = re.compile(r"(\d{20})\.log")
NAME: Final = "chain"


def read_lines(folder: Folder) -> Iterator[Seen | Finding]:
    """Yield each line, and a finding for each place where order, form or chain do not fit.

    After a damaged entry the chain is taken up again from the value the line itself carries, so
    that one changed byte is reported once, where it is.
    """
    chain, expected, length = chain_start(folder.origin), 0, 0
    names = sorted(path.name for path in folder.journal.iterdir() if _SEGMENT.fullmatch(path.name))
    for index, name in enumerate(names):
        first = int(name[:20])
        if first != expected:
            yield _missing(expected, first)
            expected = first
        offset = 0
        with (folder.journal / name).open("rb") as file:
            while data := file.readline(MAX_LINE_BYTES + 1):
                is_tail = index == len(names) - 1 and not data.endswith(b"\n")
                if is_tail:
                    length = len(data)
                    break
                seen, problem = _examine(data, expected, chain, (first, offset))
                if problem is not None:
                    what = f"{seen.entry.kind} in {seen.entry.stream}: " if seen.entry else ""
                    yield seen.finding("broken", NAME, what + problem)
                chain, expected = seen.chain, expected + 1
                offset += len(data)
                yield seen
    if length:
        message = f"the last {length} bytes are no whole line: a crash; the next append heals it"
        yield Finding(severity="note", check=NAME, position=expected, hash=None, message=message)


def _missing(expected: int, first: int) -> Finding:
    message = f"a segment begins at {first}; the entries from {expected} on are missing"
    return Finding(severity="broken", check=NAME, position=expected, hash=None, message=message)


def _examine(
    data: bytes, expected: int, chain: bytes, place: tuple[int, int]
) -> tuple[Seen, str | None]:
    """The line with what is wrong with it, if anything."""
    problem = None
    entry, raw, stored = None, data, None
    try:
        line = parse_line(data)
        raw, stored = line.entry, line.chain
        if line.position != expected:
            problem = f"it says position {line.position} where {expected} is due"
        elif stored != extend(chain, raw):
            problem = "its bytes are not the ones that were recorded: the chain does not fit"
        entry = parse_entry(raw)
    except Malformed as error:
        reasons = "; ".join(error.reasons)
        problem = problem or error.message + (f": {reasons}" if reasons else "")
    seen = Seen(
        position=expected,
        segment=place[0],
        offset=place[1],
        data=raw,
        hash=entry_hash(raw),
        chain=stored if stored is not None else extend(chain, raw),
        entry=entry,
    )
    return seen, problem
