"""The lines of a range: positions, chain, and the bytes of each entry with their hashes.

Nearly every piece of a range is in order, and is verified in tight loops. One that is not is read
again line by line, which names each place where something does not fit.
"""

import functools
import io
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

import attrs

from ledger.audit.order import Break, Order
from ledger.entry import entry_hash
from ledger.errors import Malformed
from ledger.journal.line import MAX_LINE_BYTES, parse_line

#: Bytes that are worked on at a time, so that they stay in the processor's cache.
PIECE_BYTES: Final = 1 << 18


@attrs.frozen(slots=True, kw_only=True)
class Lines:
    """What stands in a piece, one item a line, and what may follow it.

    `problems`: what is wrong with a line, by its index. `damaged`: indexes of lines that are none;
    their data is the whole line.
    """

    is_sound: bool
    order: Order
    positions: Sequence[int]
    chains: Sequence[bytes]
    hashes: Sequence[bytes]
    data: Sequence[bytes]
    problems: dict[int, str]
    damaged: frozenset[int]
    breaks: tuple[Break, ...]


def read_lines(raw: bytes, order: Order) -> Lines:
    """Verify order and chain of whole lines from `order` on."""
    if order.is_settled and order.chain is not None:
        followed = _follow(raw, order.position, order.chain)
        if followed is not None:
            return followed
    return _examine(raw, order)


def split_lines(raw: bytes) -> list[bytes]:
    """Lines with their newlines; what is too long to be a line comes in pieces."""
    file = io.BytesIO(raw)
    return list(iter(functools.partial(file.readline, MAX_LINE_BYTES + 1), b""))


def whole_pieces(raw: bytes, size: int = PIECE_BYTES) -> Iterator[bytes]:
    """The bytes of a range in pieces of whole lines, of about this size."""
    start = 0
    while start < len(raw):
        end = raw.rfind(b"\n", start, start + size) + 1 or raw.find(b"\n", start) + 1 or len(raw)
        yield raw[start:end]
        start = end


def entry_of(line: bytes) -> bytes:
    """The bytes of a line that are hashed: its entry, or all of it where it is none."""
    try:
        return parse_line(line).entry
    except Malformed:
        return line


def _follow(raw: bytes, position: int, chain: bytes) -> Lines | None:
    """The lines where each fits the one before, else null. This is what an audit costs at least."""
    lines = raw.split(b"\n")
    if lines.pop() or raw.count(b"}\n") != len(lines):
        return None  # a line does not end as lines do
    if max(map(len, lines), default=0) >= MAX_LINE_BYTES:
        return None
    first = position
    data: list[bytes] = []
    hashes: list[bytes] = []
    chains: list[bytes] = []
    for part in _of_one_width(lines, position):
        space = len(str(position))
        entries = [line[space + 66 :] for line in part]
        leaves = [sha256(b"\x00" + entry).digest() for entry in entries]
        links = [chain := sha256(chain + leaf).digest() for leaf in leaves]
        stated = b"".join([line[space + 1 : space + 67] for line in part])
        if stated != (b"".join(links).hex(" ", 32).replace(" ", " {") + " {").encode():
            return None
        numbers = range(position, position + len(part))
        if [line[: space + 1] for line in part] != [b"%d " % number for number in numbers]:
            return None
        data += entries
        hashes += leaves
        chains += links
        position += len(part)
    return Lines(
        is_sound=True,
        order=Order.after(position, chain),
        positions=range(first, position),
        chains=chains,
        hashes=hashes,
        data=data,
        problems={},
        damaged=frozenset(),
        breaks=(),
    )


def _of_one_width(lines: list[bytes], position: int) -> Iterator[list[bytes]]:
    """The lines in parts whose positions have as many digits each."""
    while lines:
        count = 10 ** len(str(position)) - position
        yield lines[:count]
        lines, position = lines[count:], position + count


def _examine(raw: bytes, order: Order) -> Lines:
    """Read line by line, and say what is wrong where."""
    positions, chains, hashes, data = [], [], [], []
    problems: dict[int, str] = {}
    damaged: set[int] = set()
    breaks: list[Break | None] = []
    for index, whole in enumerate(split_lines(raw)):
        try:
            line = parse_line(whole)
        except Malformed as error:
            problems[index] = error.message
            damaged.add(index)
            positions.append(order.position)
            chains.append(b"")
            data.append(whole)
            hashes.append(entry_hash(whole))
            order = order.skip()
            continue
        before, hash_ = order, entry_hash(line.entry)
        order, problem = order.take(line)
        if problem is not None:
            problems[index] = problem
        if problem is not None or before.lost is not None:
            breaks.append(before.break_at(line.position, hash_, line))
        positions.append(line.position)
        chains.append(line.chain)
        data.append(line.entry)
        hashes.append(hash_)
    return Lines(
        is_sound=False,
        order=order,
        positions=positions,
        chains=chains,
        hashes=hashes,
        data=data,
        problems=problems,
        damaged=frozenset(damaged),
        breaks=tuple(found for found in breaks if found is not None),
    )
