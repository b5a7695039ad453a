"""The state: rebuilt when it can be, refused when the journal is behind it."""

import fcntl
import os
import shutil
import sqlite3

import pytest
from ledgers import (
    EXECUTOR,
    HUMAN,
    claim,
    last_segment,
    lines_of,
    new_folder,
    new_recorder,
    note,
    run_started,
    snapshot,
    step,
)

from ledger.entry import entry_hash, format_hash
from ledger.errors import IntegrityError, StoreFailed
from ledger.state import VERSION, State, remove_state


@pytest.fixture
def written(folder):
    """A ledger with a claim, a run and two steps, and its state at the end."""
    recorder = new_recorder(folder)
    recorder.append([claim("H-1"), note("two")], actor=HUMAN)
    recorder.append([run_started("train-0007"), step("train-0007", 0)], actor=EXECUTOR)
    recorder.append([step("train-0007", 1)], actor=EXECUTOR)
    recorder.state.catch_up()
    recorder.close()
    return folder


def dump(folder):
    """Everything the state says, as rows."""
    with sqlite3.connect(folder.state) as db:
        tables = ("streams", "entries", "standings", "sources", "place")
        rows = {table: sorted(db.execute(f"select * from {table}")) for table in tables}
    db.close()
    return rows


def test_what_it_knows(written):
    """Heads, positions, standings and entries of what was recorded."""
    state = State(written)
    lines = lines_of(written)
    assert state.next_version("example.org/lab", "run/train-0007") == 3
    assert state.next_version("example.org/lab", "run/other") == 0
    assert state.next_version("other", "run/train-0007") == 0
    assert [state.position_of(entry_hash(line.entry)) for line in lines] == [0, 1, 2, 3, 4]
    assert state.position_of(bytes(32)) is None
    assert state.standing("claim/H-1") == ("stated", entry_hash(lines[0].entry), 0)
    assert state.standing("run/train-0007") == ("started", entry_hash(lines[2].entry), 2)
    assert state.standing("allocated/train")[0] == "0007"
    assert state.standing("claim/H-2") is None
    for line in lines:
        entry, position = state.read(entry_hash(line.entry))
        assert (entry.format(), position) == (line.entry, line.position)
    assert state.read(bytes(32)) is None
    state.close()


def test_complete_hash(written):
    """The beginning of a hash is completed, and one that fits several says so."""
    state = State(written)
    hash_ = format_hash(entry_hash(lines_of(written)[3].entry))
    assert state.complete_hash(hash_[:15]) == [hash_]
    assert state.complete_hash(hash_) == [hash_]
    assert len(state.complete_hash("sha256:")) == 3
    assert state.complete_hash("sha256:" + "0" * 40) == []
    state.close()


@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "text", "other version", "cut"])
def test_rebuilt(written, damage):
    """A state that is missing, damaged or of another version is rebuilt to the same rows."""
    wanted = dump(written)
    if damage == "other version":
        with sqlite3.connect(written.state) as db:
            db.execute(f"pragma user_version = {VERSION + 1}")
            db.execute("delete from streams")
        db.close()
    else:
        data = written.state.read_bytes()
        remove_state(written)
        if damage != "missing":
            written.state.write_bytes(
                {"empty": b"", "garbage": bytes(range(256)) * 64, "text": b"no database" * 99}.get(
                    damage, data[:5000]
                )
            )
    new_recorder(written).close()
    assert dump(written) == wanted


def test_rebuild_says_how_far(written, monkeypatch):
    """A rebuild reports its progress as it commits slices."""
    monkeypatch.setattr("ledger.state._SLICE", 2)
    remove_state(written)
    state, seen = State(written), []
    state.catch_up(seen.append)
    assert seen == [2, 4, 5]
    state.close()


def test_rebuild_that_was_cut(written, monkeypatch):
    """A rebuild that stopped between two slices goes on where it stopped."""
    wanted = dump(written)
    monkeypatch.setattr("ledger.state._SLICE", 2)
    remove_state(written)
    state = State(written)

    def stop(position):
        raise KeyboardInterrupt(position)

    with pytest.raises(KeyboardInterrupt):
        state.catch_up(stop)
    state.close()
    (place,) = dump(written)["place"]
    assert place[0] == 2
    new_recorder(written).close()
    assert dump(written) == wanted


def test_made_by_many_at_once(written, nursery):
    """Processes that find no state at the same moment all get to work."""
    for attempt in range(5):
        remove_state(written)
        names = [f"many-{attempt}-{number}" for number in range(4)]
        pids = [nursery.start("write_steps", written.path, name, 2, 10**6) for name in names]
        assert [nursery.wait(pid) for pid in pids] == [0, 0, 0, 0]
    assert len(lines_of(written)) == 5 + 5 * 4 * 2


def assert_ahead(folder, *says):
    """Opening is refused with both positions, and nothing changes."""
    journal, state = snapshot(folder), dump(folder)
    with pytest.raises(IntegrityError) as refused:
        new_recorder(folder)
    for text in says:
        assert text in refused.value.message
    assert "restore it from a copy" in refused.value.hint
    assert snapshot(folder) == journal
    assert dump(folder) == state


def test_ahead_by_a_line(written):
    """A journal that lost its last line is refused with both positions."""
    data = last_segment(written).read_bytes()
    last_segment(written).write_bytes(data[: data.rfind(b"\n", 0, -1) + 1])
    assert_ahead(written, "up to position 4", "the journal ends with position 3")


def test_ahead_by_a_part_of_a_line(written):
    """A last line that the state has seen whole is not healed when it is torn."""
    last_segment(written).write_bytes(last_segment(written).read_bytes()[:-20])
    assert_ahead(written, "up to position 4", "no whole line at its end")


@pytest.mark.parametrize("left", ["no file", "empty file"])
def test_ahead_of_nothing(written, left):
    """A journal that lost everything is refused."""
    last_segment(written).unlink()
    if left == "empty file":
        last = written.journal / f"{0:020d}.log"
        last.touch()
    assert_ahead(written, "up to position 4")


def test_ahead_by_a_segment(folder):
    """A journal that lost its last segment is refused."""
    recorder = new_recorder(folder, segment_bytes=600)
    for number in range(6):
        recorder.append([step("train-0001", number)], actor=EXECUTOR)
    recorder.state.catch_up()
    recorder.close()
    last_segment(folder).unlink()
    assert_ahead(folder, "up to position 5", "the journal ends with position")


def test_another_journal(written, tmp_path):
    """A journal of the same length but another history is refused before anything is written."""
    other = new_folder(tmp_path / "other")
    recorder = new_recorder(other)
    recorder.append([claim("H-2"), note("two")], actor=HUMAN)
    recorder.append([run_started("train-0007"), step("train-0007", 0)], actor=EXECUTOR)
    recorder.append([step("train-0007", 1)], actor=EXECUTOR)
    recorder.close()
    assert last_segment(other).stat().st_size == last_segment(written).stat().st_size
    shutil.copy(last_segment(other), last_segment(written))
    assert_ahead(written, "up to position 4")


def test_changed_entry(written):
    """An entry that is read is verified against the hash it was asked by."""
    state = State(written)
    line = lines_of(written)[1]
    data = last_segment(written).read_bytes()
    last_segment(written).write_bytes(data.replace(b'"text":"two"', b'"text":"owt"'))
    with pytest.raises(IntegrityError, match="entry 1 is not the one that was recorded"):
        state.read(entry_hash(line.entry))
    state.close()


def test_cannot_be_opened(folder):
    """A state that cannot be opened is a clear error that says it can be deleted."""
    folder.state.mkdir()
    with pytest.raises(StoreFailed, match="cannot open") as refused:
        State(folder)
    assert "rebuilt from the journal" in refused.value.hint


def test_chain_over_no_entry(folder):
    """A line whose chain fits but whose bytes are no entry is an integrity error."""
    from ledger.journal.line import Line, chain_start, extend

    chain = extend(chain_start(folder.origin), b"{}")
    (folder.journal / f"{0:020d}.log").write_bytes(Line(0, chain, b"{}").format())
    with pytest.raises(IntegrityError, match="entry 0 is in the chain but is no entry"):
        new_recorder(folder)
    state = State(folder)
    with pytest.raises(IntegrityError, match="entry 0 is in the chain but is no entry"):
        state.catch_up()
    state.close()


def test_other_version_ahead_of_the_journal(written):
    """A state of another version that knows of lost entries is not made anew over them."""
    with sqlite3.connect(written.state) as db:
        db.execute(f"pragma user_version = {VERSION + 1}")
    db.close()
    segment = last_segment(written)
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:-1]))
    before = written.state.read_bytes()
    with pytest.raises(IntegrityError, match="position"):
        State(written)
    assert written.state.read_bytes() == before


def test_much_is_folded_before_the_lock(folder, monkeypatch):
    """A decision that lacks thousands of steps folds them while others may write."""
    writer, decider = new_recorder(folder), new_recorder(folder)
    writer.append([run_started("r-1")], actor=EXECUTOR)
    writer.append([step("r-1", number) for number in range(3_000)], actor=EXECUTOR)
    folded = []
    catch_up = State.catch_up

    def watched(state, *arguments):
        before = state.cursor.position
        catch_up(state, *arguments)
        folded.append((state.cursor.position - before, is_free(folder.path)))

    monkeypatch.setattr(State, "catch_up", watched)
    decider.append([note("x")], actor=HUMAN)
    assert [free for lines, free in folded if lines > 2_000] == [True]
    assert sum(lines for lines, _ in folded) >= 3_001


def is_free(folder):
    """Whether nobody holds the lock of a ledger's folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
