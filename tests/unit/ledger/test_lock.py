"""The lock: one writer at a time, whatever happens to its file."""

import time

import pytest
from nursery import wait_for

from ledger.errors import StoreFailed
from ledger.journal.lock import WriterLock, shared


def start_holder(nursery, tmp_path, name, task="hold_lock"):
    """Start a process that wants the lock; its pid and its two files."""
    taken, release = tmp_path / f"{name}.taken", tmp_path / f"{name}.release"
    return nursery.start(task, tmp_path / "lock", taken, release), taken, release


@pytest.mark.parametrize("second", ["hold_lock", "hold_shared"])
@pytest.mark.parametrize("meanwhile", ["nothing", "deleted", "replaced"])
def test_exclusive(nursery, tmp_path, second, meanwhile):
    """While one process holds the lock no other gets it, even if the file was deleted."""
    (tmp_path / "lock").touch()
    first, taken, release = start_holder(nursery, tmp_path, "first")
    wait_for(taken)
    if meanwhile != "nothing":
        (tmp_path / "lock").unlink()
    if meanwhile == "replaced" or second == "hold_shared":
        (tmp_path / "lock").touch()
    other, other_taken, other_release = start_holder(nursery, tmp_path, "other", second)
    time.sleep(0.15)
    assert not other_taken.exists()
    release.touch()
    wait_for(other_taken)
    other_release.touch()
    assert nursery.wait(first) == nursery.wait(other) == 0


def test_shared_holders(nursery, tmp_path):
    """Readers hold the lock together, and a writer waits for all of them."""
    (tmp_path / "lock").touch()
    readers = [start_holder(nursery, tmp_path, f"reader{n}", "hold_shared") for n in range(2)]
    for _, taken, _ in readers:
        wait_for(taken)
    writer, taken, release = start_holder(nursery, tmp_path, "writer")
    readers[0][2].touch()
    time.sleep(0.1)
    assert not taken.exists()
    readers[1][2].touch()
    wait_for(taken)
    release.touch()
    assert [nursery.wait(pid) for pid in (writer, readers[0][0], readers[1][0])] == [0, 0, 0]


def test_killed_holder(nursery, tmp_path):
    """The kernel takes the lock from a killed process."""
    holder, taken, _ = start_holder(nursery, tmp_path, "first")
    wait_for(taken)
    nursery.kill(holder)
    with WriterLock(tmp_path / "lock").hold():
        pass


def test_taken_again_after_deletion(tmp_path):
    """A holder notices that the file it knows is gone and takes the one that is there."""
    lock = WriterLock(tmp_path / "lock")
    with lock.hold():
        (tmp_path / "lock").unlink()
    with lock.hold():
        assert (tmp_path / "lock").exists()
    lock.close()


def test_missing_folder(tmp_path):
    """Where there is no folder the error names the file."""
    missing = WriterLock(tmp_path / "gone" / "lock")
    with pytest.raises(StoreFailed, match="cannot open the lock"), missing.hold():
        pass
    with pytest.raises(StoreFailed, match="cannot open the lock"), shared(tmp_path / "lock"):
        pass
