"""One flipped bit anywhere in a journal is an integrity error, never healed without a word."""

import pytest
from ledgers import (
    EXECUTOR,
    HUMAN,
    forget_state,
    gaps_of,
    last_segment,
    lines_of,
    new_recorder,
    note,
    snapshot,
    step,
)

from ledger.errors import IntegrityError
from ledger.journal.reader import scan
from ledger.journal.segments import beginning


@pytest.fixture
def written(folder):
    """A journal of three lines in one segment, and its bytes."""
    recorder = new_recorder(folder)
    recorder.append([note("a b @ ~")], actor=HUMAN)
    recorder.append([step("train-0001", 0)], actor=EXECUTOR)
    recorder.append([note("the last one: a b @ J * \n")], actor=HUMAN)
    recorder.close()
    return folder, last_segment(folder).read_bytes()


def flipped(data, index, bit):
    """`data` with one bit turned."""
    changed = bytearray(data)
    changed[index] ^= 1 << bit
    return bytes(changed)


def line_of(data, index):
    """Number of the line that byte `index` belongs to, its newline included."""
    return data.count(b"\n", 0, index)


def test_every_bit(written):
    """A scan names the damaged entry; only a lost last newline looks like a torn tail."""
    folder, data = written
    for index in range(len(data)):
        for bit in range(8):
            last_segment(folder).write_bytes(flipped(data, index, bit))
            if index == len(data) - 1:
                assert len(lines_of(folder)) == 2
                continue
            with pytest.raises(IntegrityError) as refused:
                lines_of(folder)
            assert refused.value.position == line_of(data, index)


@pytest.mark.parametrize("bit", range(8))
def test_writer_refuses(written, bit):
    """A writer that reads the journal refuses the damage and changes nothing."""
    folder, data = written
    for index in (*range(0, len(data) - 1, 61), *range(len(data) - 40, len(data) - 1)):
        last_segment(folder).write_bytes(flipped(data, index, bit))
        before = snapshot(folder)
        with pytest.raises(IntegrityError):
            new_recorder(forget_state(folder))
        assert snapshot(folder) == before
    assert list(folder.blobs.iterdir()) == []


@pytest.mark.parametrize("bit", range(8))
def test_last_newline(written, bit):
    """A last line that lost its newline is kept in a blob and recorded as a gap."""
    folder, data = written
    last_segment(folder).write_bytes(flipped(data, len(data) - 1, bit))
    new_recorder(forget_state(folder)).close()
    assert len(lines_of(folder)) == 3
    assert len(gaps_of(folder)) == 1


def test_last_newline_before_the_state(written):
    """A writer whose state is at the end notices that the last line is not whole any more."""
    folder, data = written
    recorder = new_recorder(folder)
    recorder.state.catch_up()
    recorder.close()
    for bit in range(8):
        last_segment(folder).write_bytes(flipped(data, len(data) - 1, bit))
        with pytest.raises(IntegrityError, match="has seen the journal up to position 2"):
            new_recorder(folder)


def test_lines_swapped(written):
    """Two whole lines that changed places are noticed."""
    folder, data = written
    lines = data.splitlines(keepends=True)
    last_segment(folder).write_bytes(lines[1] + lines[0] + lines[2])
    with pytest.raises(IntegrityError, match="entry 0 is damaged"):
        lines_of(folder)


def test_line_removed(written):
    """A whole line that is gone from the middle is noticed."""
    folder, data = written
    lines = data.splitlines(keepends=True)
    last_segment(folder).write_bytes(lines[0] + lines[2])
    with pytest.raises(IntegrityError, match="entry 1 is damaged"):
        lines_of(folder)


def test_another_origin(written):
    """A journal put under another ledger's name is noticed at its first line."""
    folder, _ = written
    with pytest.raises(IntegrityError, match="entry 0 is damaged"):
        list(scan(folder.journal, beginning("example.org/other")))
