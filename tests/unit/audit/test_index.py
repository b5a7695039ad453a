"""Finding entries by hash: the first of two, exactly, whether it is plain or not."""

import pytest
from ledgers import EXECUTOR, new_ledger, note, run_started, step
from tampering import lines

from ledger.audit import audit
from ledger.audit.index import Index
from ledger.audit.order import Order
from ledger.audit.reading import read_range
from ledger.audit.segments import lay_out
from ledger.audit.streams import StreamCheck
from ledger.entry import entry_hash, format_hash
from ledger.journal.line import chain_start, parse_line


@pytest.fixture
def folder(tmp_path):
    """A run of steps with notes in between; the last note cites a step and a note."""
    with new_ledger(tmp_path / "lab") as lab:
        lab.append([run_started("r-1"), *(step("r-1", n) for n in range(40))], actor=EXECUTOR)
        lab.append([note("middle")])
        lab.append([step("r-1", 40)], actor=EXECUTOR)
        cited = [entry_hash(parse_line(line).entry) for line in lines(lab.folder)[5:45:37]]
        lab.record("note.added", {"text": "end"}, cites=list(map(format_hash, cited)))
        return lab.folder


def index_of(folder, range_bytes):
    """The index of a whole journal."""
    index, order = Index(folder), Order.after(0, chain_start(folder.origin))
    for range_ in lay_out(folder, range_bytes).ranges:
        part = read_range(folder, range_, order, [StreamCheck(folder)])
        order = part.following
        packed = {name: getattr(part, name) for name in ("prefixes", "others", "citations")}
        index.add(range_, **packed, block=index.block)
    return index


@pytest.mark.parametrize("size", [1, 3_000, 1 << 30])
def test_every_entry_is_found(folder, size):
    """Each hash leads to its place, in the order of the journal, and the entry is read there."""
    index = index_of(folder, size)
    hashes = [entry_hash(parse_line(line).entry) for line in lines(folder)]
    places = index.find(hashes)
    assert sorted(places.values()) == [places[hash_] for hash_ in hashes]
    for position, hash_ in enumerate(hashes):
        read = index.read(places[hash_])
        assert (read.position, read.hash) == (position, hash_)


@pytest.mark.parametrize("which", [3, 42])  # a step, a note
def test_eight_bytes_do_not_suffice(folder, which):
    """A hash that begins like an entry's is not taken for it."""
    hash_ = entry_hash(parse_line(lines(folder)[which]).entry)
    forged = hash_[:8] + bytes(24)
    assert set(index_of(folder, 1 << 30).find([forged, hash_])) == {hash_}


def test_the_first_of_two(folder):
    """Where a line stands twice, the first one is found."""
    path = next(folder.journal.glob("*.log"))
    old = lines(folder)
    path.write_bytes(b"".join([*old, old[3], old[42]]))
    hashes = [entry_hash(parse_line(old[at]).entry) for at in (3, 42)]
    for size in (1, 1 << 30):
        places = index_of(folder, size).find(hashes)
        assert [places[hash_].offset for hash_ in hashes] == [
            sum(map(len, old[:at])) for at in (3, 42)
        ]


def test_citations(folder):
    """What an entry cites is known with its place; citing a step is as good as any."""
    index = index_of(folder, 2_000)
    cited = list(index.citations())
    assert [index.read(place).position for place, _ in cited] == [44, 44]
    assert {index.read(place).position for place in index.find(h for _, h in cited).values()} == {
        5,
        42,
    }
    assert index.dangling() == []
    assert audit(folder).exit_code == 0
