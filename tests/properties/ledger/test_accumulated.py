"""One chain value over generated entries, as a constant: any change of bytes changes it."""

import hashlib
import math
import random
import struct

import attrs
import pytest
from ledgers import EXECUTOR, START_US, draft_of
from memory_store import MemoryStore, Wanted, canonical

from ledger.clock import FixedClock
from ledger.entry import Entry, parse_entry
from ledger.folder import create_folder
from ledger.journal.line import Line, chain_start, extend, parse_line
from ledger.journal.reader import scan
from ledger.journal.segments import beginning, list_segments, segment_path
from ledger.recorder import Recorder
from ledger.store.reader import open_reader

SEED = 20_260_101
COUNT = 10_000
#: Never edited: a ledger that was written with this release must verify for ever.
CHAIN = "4cb611ab6a6d220158d3a56dbfface5053370bd569ac26799b8b4ec8aa5df58f"
JOURNAL_BYTES = 4449633
#: The same sequence, ten times as far; never edited either.
LONG_COUNT = 100_000
LONG_CHAIN = "76827188713bf06b33437183a443d8f90d7d9f7182a06eb8884fcc5a103df507"
LONG_JOURNAL_BYTES = 44701793

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
    """Bytes, hashes, chain and lines of 100,000 entries are what they were at the first release."""
    draws, chain, size = Draws(SEED), chain_start("example.org/lab"), 0
    for number in range(LONG_COUNT):
        data = draws.entry(number).format()
        chain = extend(chain, data)
        line = Line(number, chain, data)
        size += len(line.format())
        if number < COUNT:
            assert parse_entry(data).format() == data
            assert parse_line(line.format()) == line
        if number + 1 == COUNT:
            assert (chain.hex(), size) == (CHAIN, JOURNAL_BYTES)
    assert (chain.hex(), size) == (LONG_CHAIN, LONG_JOURNAL_BYTES)


def test_accumulated_hash_alone():
    """The same value from `hashlib` and a second canonical JSON: it is the format's, not ours."""
    draws = Draws(SEED)
    chain = hashlib.sha256(b"research-ledger/v1\nexample.org/lab").digest()
    for number in range(LONG_COUNT):
        data = canonical(attrs.asdict(draws.entry(number))).encode()
        chain = hashlib.sha256(chain + hashlib.sha256(b"\x00" + data).digest()).digest()
        if number + 1 == COUNT:
            assert chain.hex() == CHAIN
    assert chain.hex() == LONG_CHAIN


def test_accumulated_read_back(tmp_path):
    """Laid down in segments, the entries are followed to the same value by reader and database."""
    folder, draws = create_folder(tmp_path, "example.org/lab"), Draws(SEED)
    chain, number = chain_start(folder.origin), 0
    while number < LONG_COUNT:
        with segment_path(folder.journal, number).open("wb") as file:
            for _ in range(min(30_000, LONG_COUNT - number)):
                data = draws.entry(number).format()
                chain = extend(chain, data)
                file.write(Line(number, chain, data).format())
                number += 1
    *_, (_, end) = scan(folder.journal, beginning(folder.origin))
    assert (end.position, end.chain.hex()) == (LONG_COUNT, LONG_CHAIN)
    with open_reader(folder) as db:
        sql = "select position, chain from events order by position desc limit 1"
        assert db.execute(sql).fetchall() == [(LONG_COUNT - 1, LONG_CHAIN)]
        entries = db.execute("select entry from events order by position")
        again = chain_start(folder.origin)
        while rows := entries.fetchmany(10_000):
            for (entry,) in rows:
                again = extend(again, entry.encode())
    assert again.hex() == LONG_CHAIN


def wanted(draws):
    """An event that can be recorded: mostly steps, one in fifty a note or a reported line."""
    number, shape = draws.below(2**53), draws.below(50)
    if shape == 0:
        return Wanted("note.added", {"text": "> " + draws.text()})
    if shape == 1:
        names = ("topic", "said_on", "section", "spec_version", "document", "source")
        body = dict.fromkeys(names) | {"subject": draws.text(), "rest": {"x": draws.value(1)}}
        return Wanted("note.reported", body, stream=f"import/{draws.below(3)}")
    metrics = {f"m{n}": draws.number() for n in range(draws.below(6))}
    fields = {"provenance": ("measured", "synthetic")[draws.below(2)], "metrics": metrics}
    return Wanted("step.taken", {"run": f"train-{draws.below(4)}", "step": number, **fields})


@pytest.mark.slow
def test_recorded_chain(tmp_path):
    """100,000 events recorded, alone and together, have the chain of the naive store."""
    folder, draws = create_folder(tmp_path, "example.org/lab"), Draws(SEED)
    store = MemoryStore(folder.origin, 2**20)
    clock = FixedClock(START_US, 0)
    recorder = Recorder(folder, clock, segment_bytes=2**20)
    while len(store.texts) < LONG_COUNT:
        size = (1, 1, 1, 2, 500, 5000)[draws.below(6)]
        several = [wanted(draws) for _ in range(min(size, LONG_COUNT - len(store.texts)))]
        recorder.append([draft_of(each) for each in several], actor=EXECUTOR)
        assert store.append(several, EXECUTOR, START_US)[1] is None
    recorder.close()
    *_, (_, end) = scan(folder.journal, beginning(folder.origin))
    assert (end.position, end.chain) == (LONG_COUNT, store.chains[-1])
    assert len(store.segments) > 10
    assert list_segments(folder.journal) == [first for first, _ in store.segments]
