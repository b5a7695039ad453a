"""A folder that may not be written, a lock file that is gone."""

import os

import pytest
from ledgers import EXECUTOR, HUMAN, lines_of, new_recorder, note, snapshot, step

from ledger.errors import StoreFailed
from ledger.journal.segments import list_segments

STORE_FAILED = 7


@pytest.fixture
def closed(folder):
    """A ledger with one entry, open to the world; the test closes what it wants."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    new_recorder(folder).append([note("before")], actor=HUMAN)
    for path in folder.path.parents:
        if not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o011)
    for path in (folder.path, *folder.path.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    return folder


def test_open_to_all(closed, nursery):
    """The other user can record as long as nothing is closed."""
    assert nursery.run("append_as_nobody", closed.path) == 0
    assert len(lines_of(closed)) == 2


@pytest.mark.parametrize("part", ["folder", "journal", "segment", "lock", "state", "all"])
def test_closed(closed, nursery, part):
    """Whatever may not be written, the error says so and nothing is recorded."""
    segment = closed.journal / f"{0:020d}.log"
    parts = {
        "folder": [closed.path],
        "journal": [closed.journal],
        "segment": [segment],
        "lock": [closed.lock],
        "state": [closed.state],
        "all": [closed.path, closed.journal, segment, closed.lock, closed.state],
    }
    before = snapshot(closed)
    for path in parts[part]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = nursery.run("append_as_nobody", closed.path)
    if part in ("journal", "segment"):
        # A read-only segment looks sealed: the next one is begun where the folder allows it.
        assert code == (0 if part == "segment" else code)
    else:
        assert code == STORE_FAILED
        assert snapshot(closed) == before
    for path in (closed.path, closed.journal):
        path.chmod(0o777)
    for path in (segment, closed.lock, closed.state):
        path.chmod(0o666)
    assert nursery.run("append_as_nobody", closed.path) == 0
    assert list_segments(closed.journal)[0] == 0
    assert lines_of(closed)[0].format() == before[segment.name].splitlines(keepends=True)[0]


def test_unreadable(closed, nursery):
    """A journal that may not be read is a clear error too."""
    (closed.journal / f"{0:020d}.log").chmod(0o200)
    closed.state.unlink()
    assert nursery.run("append_as_nobody", closed.path) == STORE_FAILED


def test_lock_file_deleted(folder, nursery):
    """Writers whose lock file is deleted again and again still make one journal."""
    new_recorder(folder).append([note("before")], actor=HUMAN)
    pids = [nursery.start("write_steps", folder.path, f"r-{n}", 300, 50_000) for n in range(2)]
    for _ in range(200):
        folder.lock.unlink(missing_ok=True)
        os.sched_yield()
    assert [nursery.wait(pid) for pid in pids] == [0, 0]
    assert len(lines_of(folder)) == 601


def test_folder_deleted(folder):
    """A writer whose ledger was removed says so, and makes no new one."""
    recorder = new_recorder(folder)
    recorder.append([step("r-1", 0)], actor=EXECUTOR)
    folder.path.rename(folder.path.with_name("away"))
    with pytest.raises(StoreFailed, match="cannot open the lock"):
        recorder.append([step("r-1", 1)], actor=EXECUTOR)
    assert not folder.path.exists()
