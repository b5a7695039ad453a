"""A process that dies right before the n-th change of a file, for every n of one append."""

import json

import pytest
from ledgers import (
    EXECUTOR,
    HUMAN,
    forget_state,
    gaps_of,
    last_segment,
    lines_of,
    new_folder,
    new_recorder,
    note,
    step,
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


@pytest.mark.parametrize("size", [1, 4])
def test_death_within_the_write(nursery, folder, size):
    """A write of which the kernel took any number of bytes is undone by the next writer."""
    begin(folder)
    offset = last_segment(folder).stat().st_size
    length = sum(len(line) for line in _appended(folder, size))
    healed = 0
    for taken in (*range(1, length, 37), length - 1):
        with last_segment(folder).open("r+b") as file:
            file.truncate(offset)
        forget_state(folder)
        assert nursery.run("append_half_and_die", folder.path, taken, size) == DIED
        new_recorder(folder).close()
        lines = lines_of(folder)
        assert len(lines) == 2
        assert len(gaps_of(folder)) == 1
        healed += 1
    assert healed > 5


def _appended(folder, size):
    """The lines that the batch would add."""
    recorder = new_recorder(folder)
    before = len(lines_of(folder))
    recorder.append([step("train-0009", number) for number in range(size)], actor=EXECUTOR)
    recorder.close()
    return [line.format() for line in lines_of(folder)[before:]]
