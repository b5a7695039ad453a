"""The batch note: several lines are all there or none, through any crash."""

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
    step,
)

from ledger.journal.batch import NAME, Batch, read_batch, remove_batch, write_batch
from ledger.journal.reader import committed_end


def batch_of(size):
    """A batch of steps."""
    return [step("train-0001", number) for number in range(size)]


def note_path(folder):
    """Where the note lies."""
    return folder.journal / NAME


@pytest.fixture
def written(folder):
    """A journal of one note and a batch of four: the folder, the offset and the bytes."""
    recorder = new_recorder(folder)
    recorder.append([note("before")], actor=HUMAN)
    offset = last_segment(folder).stat().st_size
    recorder.append(batch_of(4), actor=EXECUTOR)
    recorder.close()
    data = last_segment(folder).read_bytes()[offset:]
    return folder, offset, data


def cut(written, kept, durable=False):
    """Leave `kept` bytes of the batch, with its note, as a crash would."""
    folder, offset, data = written
    with last_segment(folder).open("r+b") as file:
        file.truncate(offset + kept)
    write_batch(folder.journal, Batch(0, offset, len(data)), durable=durable)
    return forget_state(folder)


def test_file(tmp_path):
    """A note is written in one step, read back, and removed once or twice."""
    for durable in (False, True):
        write_batch(tmp_path, Batch(7, 40960, 8192), durable=durable)
        assert [path.name for path in tmp_path.iterdir()] == ["batch"]
        assert (tmp_path / "batch").read_text() == "7 40960 8192\n"
        assert read_batch(tmp_path) == Batch(7, 40960, 8192)
    remove_batch(tmp_path)
    remove_batch(tmp_path)
    assert read_batch(tmp_path) is None


@pytest.mark.parametrize("damage", [b"", b"7 4096", b"\x00" * 13, b"\xff 1 2\n"])
def test_damaged_note(tmp_path, damage):
    """A note that is not whole is none."""
    (tmp_path / NAME).write_bytes(damage)
    assert read_batch(tmp_path) is None


def test_gone_after_append(written):
    """No note stays after an append."""
    folder, _, _ = written
    assert [path.name for path in folder.journal.iterdir()] == [last_segment(folder).name]


def test_single_line_needs_none(folder, monkeypatch):
    """A single line is appended without a note."""
    monkeypatch.setattr("ledger.journal.writer.write_batch", None)
    new_recorder(folder).append([note("alone")], actor=HUMAN)
    assert len(lines_of(folder)) == 1


def test_cut_batch(written):
    """A batch cut anywhere is moved aside whole, and recorded as one gap."""
    folder, offset, data = written
    whole = data.index(b"\n") + 1
    for kept in (1, whole - 1, whole, whole + 1, 2 * whole, len(data) - 1):
        cut(written, kept)
        assert committed_end(folder.journal, folder.lock) == (0, offset)
        new_recorder(folder).close()
        assert not note_path(folder).exists()
        lines = lines_of(folder)
        assert len(lines) == 2
        assert len(gaps_of(folder)) == 1
        gap = lines[1].entry
        assert b'"torn_bytes":%d' % kept in gap
        assert b'"offset":%d' % offset in gap
        with last_segment(folder).open("r+b") as file:
            file.truncate(offset)
            file.seek(offset)
            file.write(data)


def test_batch_that_never_began(written):
    """A note without a byte of its batch leaves no gap."""
    folder = cut(written, 0)
    new_recorder(folder).append([note("after")], actor=HUMAN)
    assert len(lines_of(folder)) == 2
    assert gaps_of(folder) == []


def test_whole_batch_with_note(written):
    """A batch that is whole counts, though its note is still there."""
    folder, offset, data = written
    folder = cut((folder, offset, data), 0)
    with last_segment(folder).open("ab") as file:
        file.write(data)
    assert committed_end(folder.journal, folder.lock) == (0, offset + len(data))
    new_recorder(folder).append([note("after")], actor=HUMAN)
    assert not note_path(folder).exists()
    assert len(lines_of(folder)) == 6
    assert gaps_of(folder) == []


@pytest.mark.parametrize("size", [1, 2])
def test_stale_note_under_a_live_writer(folder, size):
    """What a live writer appends is not taken for the batch that a killed one announced."""
    recorder = new_recorder(folder)
    recorder.append([note("before")], actor=HUMAN)
    offset = last_segment(folder).stat().st_size
    write_batch(folder.journal, Batch(0, offset, 1_000_000), durable=False)
    receipts = recorder.append(batch_of(size), actor=EXECUTOR)
    assert committed_end(folder.journal, folder.lock)[1] > offset
    new_recorder(forget_state(folder)).append([note("after")], actor=HUMAN)
    lines = lines_of(folder)
    assert len(lines) == 2 + size
    assert [line.position for line in lines][1 : 1 + size] == [r.position for r in receipts]
    assert gaps_of(folder) == []
