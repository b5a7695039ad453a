"""A process that dies right before the n-th change of a file, for every n of one append."""

import json

import pytest
from ledgers import (
    HUMAN,
    forget_state,
    gaps_of,
    last_segment,
    lines_of,
    new_folder,
    new_recorder,
    note,
)

from ledger.journal.batch import NAME

DIED = 9


def begin(folder, torn=b""):
    """A journal of one note, and what a crash left behind it."""
    recorder = new_recorder(folder)
    recorder.append([note("before")], actor=HUMAN)
    recorder.close()
    with last_segment(folder).open("ab") as file:
        file.write(torn)


def assert_all_or_nothing(folder, size):
    """After the next append: the chain whole, the batch there or not, no leftovers."""
    new_recorder(folder).append([note("after")], actor=HUMAN)
    entries = [json.loads(line.entry) for line in lines_of(folder)]
    steps = [entry for entry in entries if entry["kind"] == "step.taken"]
    assert len(steps) in (0, size)
    assert [entry["stream_version"] for entry in steps] == list(range(len(steps)))
    notes = [entry["body"]["text"] for entry in entries if entry["kind"] == "note.added"]
    assert (notes[0], notes[-1]) == ("before", "after")
    assert not (folder.journal / NAME).exists()
    return len(steps)


@pytest.mark.parametrize("state", ["kept", "lost"])
@pytest.mark.parametrize("segment_bytes", [10**6, 300], ids=["room", "rotates"])
@pytest.mark.parametrize("size", [1, 5])
def test_death_before_each_change(nursery, tmp_path, size, segment_bytes, state):
    """Wherever the process dies, the batch is there whole or not at all."""
    found = []
    for calls in range(1, 60):
        folder = new_folder(tmp_path / str(calls))
        begin(folder)
        code = nursery.run("append_and_die", folder.path, calls, size, segment_bytes)
        if state == "lost":
            forget_state(folder)
        found.append(assert_all_or_nothing(folder, size))
        if code == 0:
            break
        assert code == DIED
    assert code == 0
    assert found[0] == 0
    assert found[-1] == size
    assert found == sorted(found)


@pytest.mark.parametrize("torn", [b"1 abc", b"1 abc\x00\x00\x00"])
def test_death_while_healing(nursery, tmp_path, torn):
    """Wherever the healing process dies, the next writer finds a sound journal."""
    for calls in range(1, 60):
        folder = new_folder(tmp_path / str(calls))
        begin(folder, torn)
        code = nursery.run("append_and_die", folder.path, calls, 1, 10**6)
        assert_all_or_nothing(folder, 1)
        assert len(gaps_of(folder)) <= 1
        if code == 0:
            break
        assert code == DIED
    assert code == 0
    assert len(gaps_of(folder)) == 1


@pytest.mark.parametrize("segment_bytes", [10**6, 300], ids=["room", "rotates"])
@pytest.mark.parametrize("size", [1, 4])
def test_death_within_the_write(nursery, tmp_path, size, segment_bytes):
    """A write of which the kernel took any number of bytes is undone by the next writer."""
    length = 1400 if size == 4 else 330
    for taken in range(1, length, 37):
        folder = new_folder(tmp_path / str(taken))
        begin(folder)
        code = nursery.run("append_half_and_die", folder.path, taken, size, segment_bytes)
        assert code == DIED
        assert sum(path.stat().st_size for path in folder.journal.glob("*.log")) > taken
        new_recorder(folder).append([note("after")], actor=HUMAN)
        assert [line.position for line in lines_of(folder)] == [0, 1, 2]
        assert len(gaps_of(folder)) == 1
        assert not (folder.journal / NAME).exists()
