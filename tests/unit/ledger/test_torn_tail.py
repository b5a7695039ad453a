"""Torn tails: what a crash leaves is moved aside and recorded once; readers never heal."""

import json

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

from ledger.blobs import read_blob
from ledger.clock import FixedClock
from ledger.errors import IntegrityError
from ledger.journal.gap import Gap, read_gaps
from ledger.journal.reader import Tail, find_tail, scan
from ledger.journal.segments import beginning
from ledger.journal.writer import Writer
from ledger.recorder import Recorder


@pytest.fixture
def written(folder):
    """A journal of three lines: the folder and where its last line begins."""
    recorder = new_recorder(folder)
    recorder.append([note("before")], actor=HUMAN)
    recorder.append([step("train-0001", 0)], actor=EXECUTOR)
    offset = last_segment(folder).stat().st_size
    recorder.append([step("train-0001", 1)], actor=EXECUTOR)
    recorder.close()
    return forget_state(folder), offset


def tear(folder, offset, torn):
    """Put `torn` behind `offset`, as a crash would."""
    with last_segment(folder).open("r+b") as file:
        file.truncate(offset)
        file.seek(offset)
        file.write(torn)


def assert_healed(folder, offset, torn):
    """The next writer moves `torn` into a blob, says so once, and goes on."""
    recorder = new_recorder(forget_state(folder))
    lines = lines_of(folder)
    assert len(lines) == 3
    gap = json.loads(lines[2].entry)
    assert (gap["kind"], gap["actor"], gap["stream"]) == ("gap.found", "executor:ledger", "ledger")
    blob = gap["body"].pop("blob")
    assert read_blob(folder, blob) == torn
    assert gap["body"] == {
        "segment": 0,
        "offset": offset,
        "torn_bytes": len(torn),
        "last_good_position": 1,
    }
    receipts = recorder.append([step("train-0001", 1)], actor=EXECUTOR)
    assert (receipts[0].position, receipts[0].stream_version) == (3, 1)
    recorder.close()
    new_recorder(folder).close()
    new_recorder(forget_state(folder)).close()
    assert len(gaps_of(folder)) == 1


def test_every_length(written):
    """The last line torn at any byte is moved aside; what was before it is untouched."""
    folder, offset = written
    data = last_segment(folder).read_bytes()
    for length in range(1, len(data) - offset):
        torn = data[offset : offset + length]
        tear(folder, offset, torn)
        writer = Writer(folder, beginning(folder.origin), durable=False)
        (gap,) = writer.enter(lambda *_: None)
        writer.leave()
        assert gap == Gap(
            segment=0, offset=offset, torn_bytes=length, blob=gap.blob, last_good_position=1
        )
        writer.close()
        assert read_blob(folder, gap.blob) == torn
        writer.gaps_recorded()
        assert last_segment(folder).read_bytes() == data[:offset]


@pytest.mark.parametrize("length", [1, 2, 66, 67, 68, 150])
def test_recorded_once(written, length):
    """A torn tail is recorded as one gap, by whoever writes next."""
    folder, offset = written
    torn = last_segment(folder).read_bytes()[offset:][:length]
    tear(folder, offset, torn)
    assert_healed(folder, offset, torn)


@pytest.mark.parametrize("holes", [1, 511, 4096, 70_000, 140_000])
@pytest.mark.parametrize("kept", [0, 1, 40, 200])
def test_nul_tail(written, holes, kept):
    """NUL bytes to the end, where a file grew and its pages were not written, are a torn tail."""
    folder, offset = written
    torn = last_segment(folder).read_bytes()[offset:][:kept] + b"\x00" * holes
    tear(folder, offset, torn)
    assert_healed(folder, offset, torn)


def test_tail_that_looks_whole(written):
    """A line that lacks nothing but its newline was never acknowledged."""
    folder, offset = written
    torn = last_segment(folder).read_bytes()[offset:-1]
    tear(folder, offset, torn)
    assert_healed(folder, offset, torn)


def test_only_a_tail(folder):
    """A torn first line is healed too: the gap says that no entry was before it."""
    new_recorder(folder).close()
    last_segment(folder).write_bytes(b"0 12")
    new_recorder(folder).close()
    (line,) = lines_of(folder)
    assert b'"last_good_position":-1' in line.entry


@pytest.mark.parametrize("torn", [b"1 torn", b"\x00" * 4096])
def test_first_line_of_a_new_segment(folder, torn):
    """A line torn at the very beginning of a segment is healed there, by new and live writers."""
    live = new_recorder(folder)
    live.append([step("train-0001", 0)], actor=EXECUTOR)
    new_recorder(folder).close()
    last_segment(folder).chmod(0o444)
    (folder.journal / f"{1:020d}.log").write_bytes(torn)
    (receipt,) = live.append([step("train-0001", 1)], actor=EXECUTOR)
    assert (receipt.position, receipt.stream_version) == (2, 1)
    (gap,) = gaps_of(folder)
    assert b'"offset":0,"segment":1,"torn_bytes":%d' % len(torn) in gap.entry
    last_segment(folder).chmod(0o444)
    (folder.journal / f"{3:020d}.log").write_bytes(torn)
    new_recorder(forget_state(folder)).close()
    assert len(lines_of(folder)) == 4
    assert len(gaps_of(folder)) == 2


def test_healed_by_a_live_writer(written):
    """A writer that was there before the crash heals as well as one that comes after it."""
    folder, _ = written
    recorder = new_recorder(folder)
    with last_segment(folder).open("ab") as file:
        file.write(b"3 abc")
    (receipt,) = recorder.append([step("train-0001", 2)], actor=EXECUTOR)
    assert (receipt.position, receipt.stream_version) == (4, 2)
    assert [line.position for line in gaps_of(folder)] == [3]


def test_healed_under_another(written):
    """Of two writers that find one tail, one heals it; the other goes on behind the gap."""
    folder, _ = written
    first, second = new_recorder(folder), new_recorder(folder)
    with last_segment(folder).open("ab") as file:
        file.write(b"3 abc")
    first.append([step("train-0001", 2)], actor=EXECUTOR)
    (receipt,) = second.append([step("train-0001", 3)], actor=EXECUTOR)
    assert (receipt.position, receipt.stream_version) == (5, 3)
    assert len(gaps_of(folder)) == 1


def test_readers_never_heal(written):
    """A reader stops before a torn tail, says where it is, and changes nothing."""
    folder, offset = written
    tear(folder, offset, b"2 torn")
    before = snapshot(folder)
    found = list(scan(folder.journal, beginning(folder.origin)))
    assert [line.position for line, _ in found] == [0, 1]
    assert find_tail(folder.journal, found[-1][1]) == Tail(0, offset, 6)
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    "tail",
    [
        b"2 torn\n",
        b"\n",
        b"torn\n3 torn",
        b"\x00\x00\x00\n",
        b"\x00\x00\n\x00\x00",
        b"2 \x00orn\n",
    ],
)
def test_whole_but_wrong(written, tail):
    """A bad line that has its newline is damage, whatever it holds: refused, nothing changed."""
    folder, offset = written
    tear(folder, offset, tail)
    before = snapshot(folder)
    with pytest.raises(IntegrityError, match="entry 2 is damaged") as refused:
        new_recorder(forget_state(folder))
    assert refused.value.position == 2
    assert snapshot(folder) == before
    assert list(folder.blobs.iterdir()) == []


def test_damage_before_good_lines(written):
    """A torn line in the middle is damage, never a tail."""
    folder, offset = written
    data = last_segment(folder).read_bytes()
    last_segment(folder).write_bytes(data[: offset - 30] + data[offset:])
    with pytest.raises(IntegrityError, match="entry 1 is damaged"):
        new_recorder(forget_state(folder))


def test_tear_in_a_sealed_segment(folder):
    """A torn end of a segment that another follows is damage."""
    recorder = new_recorder(folder, segment_bytes=600)
    for number in range(4):
        recorder.append([step("train-0001", number)], actor=EXECUTOR)
    recorder.close()
    first = folder.journal / f"{0:020d}.log"
    first.chmod(0o644)
    first.write_bytes(first.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="is damaged"):
        new_recorder(forget_state(folder))


def test_a_crash_between_truncating_and_recording(written):
    """A gap that was healed by a writer that then died is recorded by the next one, once."""
    folder, offset = written
    torn = last_segment(folder).read_bytes()[offset:-5]
    tear(folder, offset, torn)
    dying = Writer(folder, beginning(folder.origin), durable=False)
    (gap,) = dying.enter(lambda *_: None)
    dying.leave()  # truncated, and nothing recorded
    dying.close()
    assert read_gaps(folder.journal) == [gap]
    for _ in range(2):
        Recorder(folder, FixedClock(1)).close()
    (line,) = gaps_of(folder)
    assert gap.blob.encode() in line.entry
    assert read_gaps(folder.journal) == []
