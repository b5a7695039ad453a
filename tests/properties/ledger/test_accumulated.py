"""One chain value over 10,000 generated entries, as a constant: any change of bytes changes it."""

import math
import random
import struct

from ledger.entry import Entry, parse_entry
from ledger.journal.line import Line, chain_start, extend, parse_line

SEED = 20_260_101
COUNT = 10_000
#: Never edited: a ledger that was written with this release must verify for ever.
CHAIN = "4cb611ab6a6d220158d3a56dbfface5053370bd569ac26799b8b4ec8aa5df58f"
JOURNAL_BYTES = 4449633

ALPHABET = "abcXYZ 019_-.,:/\\\"'\n\t\x00\x7f\u00e9\u20ac\u2028\U0001f600"
ACTORS = ("human:ada", "agent:reviewer-2", "executor:train")
STREAMS = ("ledger", "run/train-0001", "row/AC-1", "claim/H-1", "section/12", "import/ship-two")


class Draws:
    """Values from `random()` and `getrandbits()` alone, which no Python version changes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a seed, not a secret

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1."""
        return self._random.getrandbits(64) % limit

    def text(self) -> str:
        """A text of up to 24 characters, awkward ones among them."""
        return "".join(ALPHABET[self.below(len(ALPHABET))] for _ in range(self.below(25)))

    def number(self) -> int | float:
        """A number of any size that canonical JSON holds."""
        shape = self.below(4)
        if shape == 0:
            return self.below(2**54) - 2**53
        if shape == 1:
            return self.below(1000)
        if shape == 2:
            return self._random.random() - 0.5
        (number,) = struct.unpack("<d", self._random.getrandbits(64).to_bytes(8, "little"))
        return number if math.isfinite(number) else 0.5

    def value(self, depth: int) -> object:
        """A JSON value."""
        shape = self.below(9 if depth < 3 else 5)
        if shape < 2:
            return self.number()
        if shape < 4:
            return self.text()
        if shape == 4:
            return (None, True, False, "NaN", "-Infinity")[self.below(5)]
        if shape < 7:
            return [self.value(depth + 1) for _ in range(self.below(4))]
        return {f"k{self.below(50)}": self.value(depth + 1) for _ in range(self.below(4))}

    def entry(self, number: int) -> Entry:
        """Entry `number` of the sequence."""
        hashes = ("sha256:" + f"{self._random.getrandbits(256):064x}" for _ in range(2))
        return Entry(
            actor=ACTORS[self.below(3)],
            body={f"field_{self.below(30)}": self.value(0) for _ in range(self.below(6))},
            branch=(None, None, "try/one")[self.below(3)],
            cites=tuple(hashes)[: self.below(3)],
            kind=f"noun{self.below(9)}.done",
            origin="example.org/lab",
            recorded_at=1_767_225_600_000_000 + number,
            schema_version=1 + self.below(3),
            stream=STREAMS[self.below(6)],
            stream_version=number,
        )


def test_accumulated_chain():
    """Bytes, hashes, chain and lines of 10,000 entries are what they were at the first release."""
    draws, chain, size = Draws(SEED), chain_start("example.org/lab"), 0
    for number in range(COUNT):
        data = draws.entry(number).format()
        assert parse_entry(data).format() == data
        chain = extend(chain, data)
        line = Line(number, chain, data)
        assert parse_line(line.format()) == line
        size += len(line.format())
    assert (chain.hex(), size) == (CHAIN, JOURNAL_BYTES)
