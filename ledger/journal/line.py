"""The journal line and the hash chain (spec/formats/journal.md).

A line is `<position> <chain hex> <E>\n`, for example::

    0 6c1e…(64 hex digits) {"actor":"human:ada","body":{…},…}

The chain starts at SHA-256("research-ledger/v1\n" || origin) and goes on with
SHA-256(chain || entry hash), over raw bytes.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import msgspec

from ledger.entry import MAX_ENTRY_BYTES, entry_hash
from ledger.errors import Malformed

FORMAT: Final = "research-ledger/v1"
#: 20 digits of position, 64 of chain, two spaces, E and the newline.
MAX_LINE_BYTES: Final = 20 + 1 + 64 + 1 + MAX_ENTRY_BYTES + 1
_HINT: Final = "spec/formats/journal.md describes the journal line"
_HEX: Final = frozenset(b"0123456789abcdef")


class Line(msgspec.Struct, frozen=True):
    """One parsed line: position, 32 raw chain bytes, and E."""

    position: int
    chain: bytes
    entry: bytes

    def format(self) -> bytes:
        """The line as it stands in a segment, with its newline."""
        return b"%d %s %s\n" % (self.position, self.chain.hex().encode(), self.entry)


def chain_start(origin: str) -> bytes:
    """The chain value before the first entry of a ledger."""
    return sha256(FORMAT.encode() + b"\n" + origin.encode()).digest()


def chain_next(chain: bytes, hash_: bytes) -> bytes:
    """The chain value after an entry with this hash."""
    return sha256(chain + hash_).digest()


def extend(chain: bytes, entry: bytes) -> bytes:
    """The chain value after the entry bytes E."""
    return chain_next(chain, entry_hash(entry))


def parse_line(data: bytes) -> Line:
    """Read one line with its newline, strictly. Raises `Malformed`.

    Only the frame is checked here; whether the chain fits is for who knows the line before.
    """
    if not data.endswith(b"\n") or len(data) > MAX_LINE_BYTES:
        raise Malformed("a journal line is not whole", hint=_HINT)
    position, _, rest = data[:-1].partition(b" ")
    chain, _, entry = rest[:64], rest[64:65], rest[65:]
    canonical_number = position.isdigit() and (position == b"0" or not position.startswith(b"0"))
    framed = rest[64:65] == b" " and entry.startswith(b"{") and entry.endswith(b"}")
    if not (canonical_number and len(position) <= 20 and _HEX.issuperset(chain) and framed):
        raise Malformed("a journal line has the wrong form", hint=_HINT)
    return Line(int(position), bytes.fromhex(chain.decode()), entry)


def follow_lines(data: bytes, position: int, chain: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield (E, chain value after it, bytes of the line) for each whole line of `data` that fits.

    The first line is to stand at `position` and to follow `chain`. Stops before the first line that
    does not fit, or has no newline; whoever needs to know why asks `parse_line`.
    """
    start, end = 0, data.find(b"\n")
    while end >= 0:
        frame = start + len(str(position)) + 66
        entry = data[frame:end]
        chain = sha256(chain + sha256(b"\x00" + entry).digest()).digest()
        if data[start:frame] != b"%d %s " % (position, chain.hex().encode()):
            return
        yield entry, chain, end + 1 - start
        position, start = position + 1, end + 1
        end = data.find(b"\n", start)
