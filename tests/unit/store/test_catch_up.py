"""Folding the journal into the database file: exactly once, and again from nothing."""

import pytest
from labs import ask, copy_lab
from ledgers import EXECUTOR, HUMAN, new_recorder, note, run_started, step
from stores import journalled, stored

from ledger.entry import Entry
from ledger.errors import IntegrityError
from ledger.folder import Folder
from ledger.journal.line import Line, chain_start, extend
from ledger.journal.segments import segment_path
from ledger.projections import PROJECTIONS
from ledger.store import catch_up as catching
from ledger.store import slices
from ledger.store.catch_up import catch_up, connect
from ledger.store.reader import open_reader

ENTRIES = 400


@pytest.fixture
def filled(ledger):
    """A folder with 400 entries, none of them folded."""
    ledger.append([note(f"n {number} {'x' * 100}") for number in range(ENTRIES - 1)])
    return ledger.folder


def tables(folder):
    """The content of every projection."""
    with open_reader(folder) as db:
        return {
            one.name: db.execute(f"from {one.name} order by all").fetchall() for one in PROJECTIONS
        }


def test_everything_once(filled):
    """The file holds each entry of the journal once, to the byte, and a second look adds none."""
    catch_up(filled)
    assert stored(filled) == journalled(filled)
    catch_up(filled)
    assert stored(filled) == journalled(filled)


def test_increments(ledger):
    """Folding after every append, and folding once at the end, make the same tables."""
    folder = ledger.folder
    for number in range(12):
        ledger.append([run_started(f"r-{number}"), step(f"r-{number}", 0)], actor=EXECUTOR)
        catch_up(folder)
        assert stored(folder) == journalled(folder)
    little = tables(folder)
    folder.database.unlink()
    assert tables(folder) == little


@pytest.mark.parametrize("size", [600, 1000, 4096])
def test_slices(ledger, monkeypatch, size):
    """Slices of any size, cut in the middle of lines, fold to the same rows; progress is told."""
    ledger.append([note(f"n {number} {'x' * 100}") for number in range(30)])
    monkeypatch.setattr(slices, "SLICE_BYTES", size)
    told = []
    catch_up(ledger.folder, lambda done, total: told.append((done, total)))
    assert stored(ledger.folder) == journalled(ledger.folder)
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] == segment_path(ledger.folder.journal, 0).stat().st_size
    assert len(told) > 2


def test_many_segments(tmp_path, ledger):
    """A journal of many small segments folds across their borders, at once and step by step."""
    folder = ledger.folder
    recorder = new_recorder(folder, segment_bytes=2000)
    for number in range(60):
        recorder.append([note(f"n {number}")], actor=HUMAN)
        if number % 7 == 0:
            catch_up(folder)
    assert len(list(folder.journal.glob("*.log"))) > 5
    catch_up(folder)
    assert stored(folder) == journalled(folder)
    again = copy_lab(folder, tmp_path / "again")
    again.database.unlink()
    catch_up(again)
    assert stored(again) == journalled(folder)


def test_half_a_slice_leaves_nothing(filled, monkeypatch):
    """Where folding stops between two tables, the file stands where it stood before."""
    catch_up(filled)
    with_more = new_recorder(filled)
    with_more.append([note("more")], actor=HUMAN)
    broken = (*PROJECTIONS[:3], _raising(), *PROJECTIONS[3:])
    monkeypatch.setattr(slices, "PROJECTIONS", broken)
    with pytest.raises(RuntimeError):
        catch_up(filled)
    monkeypatch.undo()
    assert len(stored(filled)) == ENTRIES
    catch_up(filled)
    assert stored(filled) == journalled(filled)


def _raising():
    class Projection:
        name = "none"
        kinds = None

        @property
        def select(self):
            raise RuntimeError("stopped here")

    return Projection()


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"garbage" * 5000),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
    ],
    ids=["missing", "garbage", "empty", "half", "header"],
)
def test_rebuild(filled, harm):
    """A file that is gone or damaged is made anew, and the answers are the same as before."""
    before = tables(filled)
    harm(filled.database)
    assert tables(filled) == before
    assert stored(filled) == journalled(filled)


def test_rebuild_of_another_schema(filled):
    """A file made by a program with other tables is made anew."""
    catch_up(filled)
    with connect(filled.database) as db:
        db.execute("update ingest_state set schema_digest = 'other'")
        db.execute("drop table claims")
    catch_up(filled)
    assert stored(filled) == journalled(filled)
    assert ask(filled, "select count(*) from claims") == [(0,)]


def test_left_behind_draft(filled):
    """What a killed rebuild left beside the file is swept away by the next one."""
    draft = filled.path / "ledger.duckdb.new"
    draft.write_bytes(b"half a database")
    catch_up(filled)
    assert stored(filled) == journalled(filled)
    assert not draft.exists()


@pytest.mark.parametrize("harm", ["kept", "other schema"])
def test_ahead_of_the_journal(filled, harm):
    """A file ahead of the journal is an integrity error with both positions; nothing changes."""
    catch_up(filled)
    if harm == "other schema":
        with connect(filled.database) as db:
            db.execute("update ingest_state set schema_digest = 'other'")
    path = segment_path(filled.journal, 0)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-7]))
    before = filled.database.read_bytes(), path.read_bytes()
    with pytest.raises(IntegrityError, match=rf"{ENTRIES - 1}\b.*\b{ENTRIES - 8}\b") as caught:
        ask(filled, "select 1")
    assert caught.value.exit_code == 6
    assert (filled.database.read_bytes(), path.read_bytes()) == before


def test_journal_gone(filled):
    """An emptied journal under a filled database is an integrity error, not a rebuild."""
    catch_up(filled)
    segment_path(filled.journal, 0).write_bytes(b"")
    with pytest.raises(IntegrityError, match=f"{ENTRIES - 1}"):
        catch_up(filled)
    assert len(stored(filled)) == ENTRIES


def test_another_journal(filled):
    """The journal of another ledger under this database is an integrity error."""
    catch_up(filled)
    other = Folder(filled.path, "example.org/other")
    chain, lines = chain_start(other.origin), []
    for position in range(ENTRIES + 3):
        entry = _entry(position, other.origin)
        chain = extend(chain, entry)
        lines.append(Line(position, chain, entry).format())
    segment_path(filled.journal, 0).write_bytes(b"".join(lines))
    with pytest.raises(IntegrityError, match=r"another than the one it holds"):
        ask(filled, "select 1")
    assert len(stored(filled)) == ENTRIES


def _entry(position, origin):
    return Entry(
        actor=HUMAN,
        body={"text": "x" * 500},
        branch=None,
        cites=(),
        kind="note.added",
        origin=origin,
        recorded_at=position,
        schema_version=1,
        stream="ledger",
        stream_version=position,
    ).format()


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b'"kind"', b'"kind'),
        lambda _: b"xx\n",
        lambda _: b"\n",
        lambda line: line.replace(b"n 20", b"n \xff\xfe"),
        lambda line: line.replace(b'"recorded_at":', b'"recorded_at":"a",'),
        lambda line: b"7" + line,
    ],
    ids=["json", "no line", "blank", "not UTF-8", "type", "position"],
)
def test_damage_is_named(filled, change):
    """A damaged line that was not folded yet is an integrity error that names its position."""
    path = segment_path(filled.journal, 0)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[21] = change(lines[21])
    path.write_bytes(b"".join(lines))
    with pytest.raises(IntegrityError, match=r"entry 21 is damaged") as caught:
        ask(filled, "select 1")
    assert caught.value.position == 21


def test_torn_tail_is_not_folded(filled):
    """Bytes without a newline at the end belong to no entry yet."""
    path = segment_path(filled.journal, 0)
    with path.open("ab") as file:
        file.write(b"400 0123")
    catch_up(filled)
    assert len(stored(filled)) == ENTRIES
    assert ask(filled, "select max(position) from events") == [(ENTRIES - 1,)]


def test_newer_version_is_kept_and_not_projected(ledger):
    """An entry of a version that this program does not know is stored, and no table reads it."""
    folder = ledger.folder
    ledger.append([run_started("r-1")], actor=EXECUTOR)
    path = segment_path(folder.journal, 0)
    last = path.read_bytes().splitlines()[-1].split(b" ", 2)
    chain = bytes.fromhex(last[1].decode())
    for position, version, seed in ((2, 2, '"a text now"'), (3, 70_000, "1")):
        entry = last[2].replace(b'"schema_version":1', b'"schema_version":%d' % version)
        entry = entry.replace(b'"seed":null', b'"seed":' + seed.encode())
        entry = entry.replace(b'"stream_version":0', b'"stream_version":%d' % (position - 1))
        chain = extend(chain, entry)
        with path.open("ab") as file:
            file.write(Line(position, chain, entry).format())
    assert ask(folder, "select run from runs") == [("r-1",)]
    versions = ask(folder, "select schema_version from events order by position")
    assert versions == [(1,), (1,), (2,), (70_000,)]
    assert stored(folder) == journalled(folder)


@pytest.mark.parametrize("statement", ["update events set kind = 'x'", "delete from events"])
def test_triggers(filled, statement):
    """Changing or deleting what the file holds of the record is refused by the file itself."""
    catch_up(filled)
    with connect(filled.database) as db, pytest.raises(Exception, match="append-only"):
        db.execute(statement)
    assert stored(filled) == journalled(filled)


def test_a_path_that_says_lock(tmp_path, ledger):
    """A folder whose name holds the word lock is no reason to wait for one."""
    folder = copy_lab(ledger.folder, tmp_path / "could not lock" / "block")
    folder.database.write_bytes(b"garbage" * 1000)
    with open_reader(folder) as db:
        assert db.execute("select count(*) from events").fetchall() == [(1,)]
    assert stored(folder) == journalled(folder)


def test_alone(filled):
    """While one process folds, another is told that the file is busy."""
    with catching._alone(filled), pytest.raises(catching.Busy):
        catch_up(filled)
    catch_up(filled)
    assert stored(filled) == journalled(filled)


def test_a_segment_without_a_line(ledger):
    """A crash between two segments leaves an empty one: folding goes on there, and no alarm."""
    ledger.record("note.added", {"text": "last of its segment"}, actor=HUMAN)
    segment_path(ledger.folder.journal, 0).chmod(0o444)
    recorder = new_recorder(ledger.folder)  # begins the next segment and dies
    for _ in range(3):
        assert len(stored_after_reading(ledger.folder)) == 2
    recorder.append([note("first of the next")], actor=HUMAN)
    assert len(stored_after_reading(ledger.folder)) == 3


def stored_after_reading(folder):
    """Positions that a reader sees."""
    with open_reader(folder) as db:
        return db.execute("select position from events order by position").fetchall()
