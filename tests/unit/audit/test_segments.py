"""Journals of many segments and many pieces, and what a crash leaves at their end."""

import shutil

import pytest
from ledgers import EXECUTOR, HUMAN, SmallLedger, new_ledger, note, run_started, step
from tampering import TAMPERINGS

from ledger.audit import audit
from ledger.audit.lines import PIECE_BYTES
from ledger.folder import open_folder
from ledger.journal.batch import Batch, write_batch
from ledger.journal.segments import list_segments, segment_path

STEPS = 1_100


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Steps in one segment and more than one piece."""
    with new_ledger(tmp_path_factory.mktemp("long") / "lab") as ledger:
        steps = [step("r-1", number) for number in range(STEPS)]
        ledger.append([run_started("r-1"), *steps, note("done")], actor=EXECUTOR)
        assert segment_path(ledger.folder.journal, 0).stat().st_size > PIECE_BYTES
        return ledger.folder


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Steps and notes in segments of four thousand bytes."""
    with new_ledger(tmp_path_factory.mktemp("many") / "lab") as ledger:
        folder = ledger.folder
    with SmallLedger(folder, 4_000, actor=EXECUTOR) as ledger:
        ledger.append([run_started("r-1")])
        for number in range(30):
            ledger.append([step("r-1", number), note(f"after step {number}")])
    assert len(list_segments(folder.journal)) > 4
    return folder


def own_copy(source, directory):
    """A copy that a test may change."""
    shutil.copytree(source.path, directory / ".ledger")
    for path in (directory / ".ledger" / "journal").iterdir():
        path.chmod(0o644)
    return open_folder(directory / ".ledger")


def answers(folder, *sizes):
    """What an audit says in one range, and that it says so in ranges of other sizes."""
    whole = audit(folder, processes=1, range_bytes=1 << 30)
    for size in sizes:
        assert audit(folder, processes=1, range_bytes=size) == whole
    return whole


def said(report):
    """(severity, check, position) of each finding, and all messages."""
    found = {(f.severity, f.check, f.position) for f in report.findings}
    return found, "\n".join(finding.message for finding in report.findings)


def test_long(long):
    """Every entry is counted once, whatever the pieces and ranges, and nothing is wrong."""
    report = answers(long, 1 << 12, 1 << 16, PIECE_BYTES)
    assert (report.exit_code, report.entries) == (0, STEPS + 3)
    assert audit(long, processes=2, range_bytes=1 << 18) == report


@pytest.mark.parametrize("at", [1, 9, 10, 99, 100, 999, 1_000, 1_001, STEPS])
@pytest.mark.parametrize("how", ["digit of the position", "deleted", "swapped with the next"])
def test_tampered_where_numbers_grow(long, tmp_path, at, how):
    """Where positions get a digit more, and in any piece, the one place is named."""
    folder = own_copy(long, tmp_path)
    path = segment_path(folder.journal, 0)
    path.write_bytes(b"".join(TAMPERINGS[how](path.read_bytes().splitlines(keepends=True), at)))
    report = answers(folder, 1 << 12, 1 << 16)
    blamed = {f.position for f in report.findings if f.check == "chain"}
    expected = {"deleted": {at + 1}, "swapped with the next": {at + 1}}
    assert report.exit_code == 6
    if how in expected:
        assert blamed == expected[how]
    else:
        assert len(blamed) == 1


def test_many_segments(many):
    """Segments follow on each other, whatever the ranges."""
    assert answers(many, 1, 1_000, 4_000).exit_code == 0


@pytest.mark.parametrize("number", [0, 1, -2])
def test_missing_segment(many, tmp_path, number):
    """A segment that is gone is missed where it began; what stands after it is read."""
    folder = own_copy(many, tmp_path)
    firsts = list_segments(folder.journal)
    gone = firsts[number]
    segment_path(folder.journal, gone).unlink()
    following = firsts[firsts.index(gone) + 1]
    found, words = said(answers(folder, 1, 1_000))
    assert ("broken", "chain", gone) in found
    assert f"a segment begins at {following}; the entries from {gone} on are missing" in words
    assert {position for _, check, position in found if check == "chain"} == {gone}


@pytest.mark.parametrize("how", TAMPERINGS)
@pytest.mark.parametrize("at", [1, -3])
def test_tampered_beside_another_segment(many, tmp_path, how, at):
    """Whatever is done near the end of a segment, or its beginning, is said alike."""
    folder = own_copy(many, tmp_path)
    path = segment_path(folder.journal, list_segments(folder.journal)[2])
    old = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(TAMPERINGS[how](old, at % len(old))))
    assert answers(folder, 1, 1_000).exit_code == 6


def test_torn_in_the_middle(many, tmp_path):
    """A segment that others follow ends with a line, or is damaged."""
    folder = own_copy(many, tmp_path)
    firsts = list_segments(folder.journal)
    path = segment_path(folder.journal, firsts[1])
    path.write_bytes(path.read_bytes()[:-10])
    report = answers(folder, 1, 1_000)
    assert report.exit_code == 6
    assert ("broken", "chain", firsts[2] - 1) in said(report)[0]


def test_what_hides_behind_a_long_line(many, tmp_path):
    """A line of the last segment that is too long does not hide what stands after it."""
    folder = own_copy(many, tmp_path)
    path = segment_path(folder.journal, list_segments(folder.journal)[-1])
    old = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([b"x" * 200_000, *old]))
    report = answers(folder, 1, 1_000)
    assert report.exit_code == 6
    assert report.entries > sum(1 for _ in old)


@pytest.mark.parametrize("tail", [b"7" * 40, bytes(300_000), b'{"actor":'])
def test_torn_tail(many, tmp_path, tail):
    """What holds no newline at the very end is what a crash leaves: a note with its length."""
    folder = own_copy(many, tmp_path)
    with segment_path(folder.journal, list_segments(folder.journal)[-1]).open("ab") as file:
        file.write(tail)
    report = answers(folder, 1, 1_000)
    assert report.exit_code == 0
    assert f"the last {len(tail)} bytes are no whole line" in said(report)[1]


def test_batch_cut_short(many, tmp_path):
    """What stands of a batch that was cut does not count, whole lines included."""
    folder = own_copy(many, tmp_path)
    last = list_segments(folder.journal)[-1]
    path = segment_path(folder.journal, last)
    old = path.read_bytes().splitlines(keepends=True)
    entries = audit(folder).entries
    offset, cut = sum(map(len, old[:-2])), sum(map(len, old[-2:]))
    write_batch(folder.journal, Batch(last, offset, cut + 100), durable=False)
    report = answers(folder, 1, 1_000)
    assert (report.exit_code, report.entries) == (0, entries - 2)
    assert f"the last {cut} bytes belong to a batch that was cut short" in said(report)[1]


def test_progress(long):
    """Progress is told in bytes, and reaches the end."""
    told = []
    audit(long, lambda done, total: told.append((done, total)), range_bytes=1 << 17, processes=1)
    size = segment_path(long.journal, 0).stat().st_size
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_chain_only(many, tmp_path, capsys, monkeypatch):
    """`--chain` verifies order, hashes and chain alone, and says that it did no more."""
    from ledger.cli import run

    monkeypatch.setenv("LEDGER_ACTOR", HUMAN)
    folder = own_copy(many, tmp_path)
    assert run(["audit", "--chain", "--ledger", str(folder.path)]) == 0
    assert (
        "order, hashes and chain are sound; nothing else was looked at" in capsys.readouterr().err
    )
    path = segment_path(folder.journal, list_segments(folder.journal)[1])
    path.write_bytes(path.read_bytes().replace(b'"text":"a', b'"text":"b', 1))
    assert run(["audit", "--chain", "--ledger", str(folder.path)]) == 6
    assert "BROKEN in 1 places" in capsys.readouterr().err
