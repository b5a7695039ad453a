"""Rotation: when a segment ends, what it is called, and what a crash in between leaves."""

import stat

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

from ledger.errors import IntegrityError, StoreFailed
from ledger.journal.reader import committed_end, scan, verify_place
from ledger.journal.segments import SEGMENT_BYTES, Cursor, beginning, list_segments, segment_path

SMALL = 1200


def steps(recorder, count, first=0):
    """Record `count` steps, one append each."""
    for number in range(first, first + count):
        recorder.append([step("train-0001", number)], actor=EXECUTOR)


def mode(path):
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_size_of_the_format():
    """A segment has 64 MiB."""
    assert SEGMENT_BYTES == 64 * 1024 * 1024


def test_rotation(folder):
    """A line that would pass the limit opens the next segment; what is over is sealed."""
    recorder = new_recorder(folder, segment_bytes=SMALL)
    steps(recorder, 12)
    firsts = list_segments(folder.journal)
    assert len(firsts) > 2
    paths = [segment_path(folder.journal, first) for first in firsts]
    assert [path.name for path in paths] == [f"{first:020d}.log" for first in firsts]
    assert [mode(path) for path in paths] == [0o444] * (len(paths) - 1) + [0o644]
    for path, first in zip(paths, firsts, strict=True):
        assert path.read_bytes().startswith(b"%d " % first)
        assert path.stat().st_size <= SMALL
    assert [line.position for line in lines_of(folder)] == list(range(12))


def test_batch_is_not_split(folder):
    """A batch larger than what is left goes whole into the next segment, however long."""
    recorder = new_recorder(folder, segment_bytes=SMALL)
    steps(recorder, 1)
    recorder.append([step("train-0001", number) for number in range(1, 9)], actor=EXECUTOR)
    assert list_segments(folder.journal) == [0, 1]
    assert segment_path(folder.journal, 1).stat().st_size > SMALL
    steps(recorder, 1, first=9)
    assert list_segments(folder.journal) == [0, 1, 9]


def test_others_follow(folder, nursery):
    """Processes that write through each other's rotations make one journal."""
    names = [f"train-{number:04d}" for number in range(3)]
    pids = [nursery.start("write_steps", folder.path, name, 60, SMALL) for name in names]
    assert [nursery.wait(pid) for pid in pids] == [0, 0, 0]
    lines = lines_of(folder)
    assert len(lines) == 180
    assert len(list_segments(folder.journal)) >= 180 * 300 // SMALL
    for name in names:
        own = [line for line in lines if b'"stream":"run/%s"' % name.encode() in line.entry]
        versions = [b'"stream_version":%d}' % number for number in range(60)]
        assert [line.entry[-len(v) :] for line, v in zip(own, versions, strict=True)] == versions


def test_crash_after_sealing(folder):
    """A segment that was sealed without a next one is left alone; the next append begins it."""
    recorder = new_recorder(folder)
    steps(recorder, 2)
    last_segment(folder).chmod(0o444)
    before = last_segment(folder).read_bytes()
    steps(recorder, 1, first=2)
    assert list_segments(folder.journal) == [0, 2]
    assert segment_path(folder.journal, 0).read_bytes() == before
    last_segment(folder).chmod(0o444)
    steps(new_recorder(folder), 1, first=3)
    last_segment(folder).chmod(0o444)
    steps(new_recorder(forget_state(folder)), 1, first=4)
    assert list_segments(folder.journal) == [0, 2, 3, 4]
    assert len(lines_of(folder)) == 5


def test_crash_after_creating(folder):
    """An empty new segment is where the next append goes."""
    steps(new_recorder(folder), 2)
    segment_path(folder.journal, 0).chmod(0o444)
    segment_path(folder.journal, 2).touch()
    assert committed_end(folder.journal, folder.lock) == (2, 0)
    steps(new_recorder(folder), 1, first=2)
    assert list_segments(folder.journal) == [0, 2]
    assert len(lines_of(folder)) == 3


def test_modes_are_lost(folder):
    """A copy whose segments all became writable (git keeps no modes) goes on at the end."""
    steps(new_recorder(folder, segment_bytes=SMALL), 12)
    firsts = list_segments(folder.journal)
    for first in firsts:
        segment_path(folder.journal, first).chmod(0o644)
    steps(new_recorder(forget_state(folder)), 1, first=12)
    assert list_segments(folder.journal) == firsts
    assert len(lines_of(folder)) == 13


def test_next_segment_cannot_be_made(folder):
    """Where the next segment cannot be made nothing is recorded, and it works once it can."""
    recorder = new_recorder(folder, segment_bytes=300)
    steps(recorder, 1)
    obstacle = segment_path(folder.journal, 1)
    obstacle.mkdir()
    for _ in range(2):
        with pytest.raises(StoreFailed, match=r"cannot (write|read) the journal"):
            steps(recorder, 1, first=1)
    obstacle.rmdir()
    steps(recorder, 1, first=1)
    assert len(lines_of(folder)) == 2


def test_missing_segments(folder):
    """A journal without its first, a middle or its last segment is an integrity error."""
    recorder = new_recorder(folder, segment_bytes=SMALL)
    steps(recorder, 20)
    recorder.append([note("state is here")], actor=HUMAN)
    recorder.close()
    firsts = list_segments(folder.journal)
    end = Cursor(position=21, segment=firsts[-1], offset=1, chain=b"")
    for first, start, says in (
        (0, beginning(folder.origin), "begins at position"),
        (firsts[1], beginning(folder.origin), "does not follow"),
        (firsts[-1], end, "has seen the journal up to position 20"),
    ):
        away = segment_path(folder.journal, first).rename(folder.path / "away")
        with pytest.raises(IntegrityError, match=says):
            list(scan(folder.journal, start))
        away.rename(segment_path(folder.journal, first))


def test_missing_journal(folder):
    """A journal folder that is gone is an integrity error, not an empty ledger."""
    new_recorder(folder).append([note("x")], actor=HUMAN)
    for path in (*folder.journal.iterdir(), folder.journal):
        path.unlink() if path.is_file() else path.rmdir()
    with pytest.raises(IntegrityError, match="journal is missing"):
        new_recorder(folder)


def test_replaced_under_a_writer(folder):
    """A writer whose segment was replaced by an older copy notices before it writes."""
    recorder = new_recorder(folder)
    steps(recorder, 2)
    older = last_segment(folder).read_bytes()
    steps(recorder, 2, first=2)
    copy = folder.path / "copy"
    copy.write_bytes(older)
    copy.rename(segment_path(folder.journal, 0))
    with pytest.raises(IntegrityError, match="the journal ends with position 1"):
        steps(recorder, 1, first=4)
    assert last_segment(folder).read_bytes() == older


def test_replaced_by_the_same(folder):
    """A segment replaced by a whole copy is written on: the copy, not the deleted file."""
    recorder = new_recorder(folder)
    steps(recorder, 2)
    copy = folder.path / "copy"
    copy.write_bytes(last_segment(folder).read_bytes())
    copy.rename(segment_path(folder.journal, 0))
    steps(recorder, 1, first=2)
    assert len(lines_of(folder)) == 3


def test_verify_place(folder):
    """A place is verified against the line before it, also across a rotation."""
    recorder = new_recorder(folder, segment_bytes=SMALL)
    steps(recorder, 12)
    cursors = [cursor for _, cursor in scan(folder.journal, beginning(folder.origin))]
    for cursor in cursors:
        verify_place(folder.journal, cursor)
        begun = Cursor(cursor.position, cursor.position, 0, cursor.chain)
        if cursor.position in list_segments(folder.journal):
            verify_place(folder.journal, begun)
        for wrong in (
            Cursor(cursor.position, cursor.segment, cursor.offset, bytes(32)),
            Cursor(cursor.position, cursor.segment, cursor.offset - 1, cursor.chain),
            Cursor(cursor.position + 1, cursor.segment, cursor.offset, cursor.chain),
        ):
            with pytest.raises(IntegrityError):
                verify_place(folder.journal, wrong)
    assert gaps_of(folder) == []
