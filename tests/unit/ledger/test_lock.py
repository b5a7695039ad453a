"""The lock: one writer at a time, on the folder itself."""

import fcntl
import os
import threading
import time

import pytest
from nursery import wait_for

from ledger.errors import StoreFailed
from ledger.journal.lock import WriterLock, shared


def start_holder(nursery, tmp_path, name, task="hold_lock"):
    """Start a process that wants the lock; its pid and its two files."""
    taken, release = tmp_path / f"{name}.taken", tmp_path / f"{name}.release"
    return nursery.start(task, tmp_path / "lab", taken, release), taken, release


@pytest.fixture(autouse=True)
def lab(tmp_path):
    """A folder to lock."""
    (tmp_path / "lab").mkdir()
    return tmp_path / "lab"


@pytest.mark.parametrize("second", ["hold_lock", "hold_shared"])
def test_exclusive(nursery, tmp_path, second):
    """While one process holds the lock no other gets it."""
    first, taken, release = start_holder(nursery, tmp_path, "first")
    wait_for(taken)
    other, other_taken, other_release = start_holder(nursery, tmp_path, "other", second)
    time.sleep(0.15)
    assert not other_taken.exists()
    release.touch()
    wait_for(other_taken)
    other_release.touch()
    assert nursery.wait(first) == nursery.wait(other) == 0


def test_shared_holders(nursery, tmp_path):
    """Readers hold the lock together, and a writer waits for all of them."""
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
    with WriterLock(tmp_path / "lab").hold():
        pass


def test_again_in_the_same_thread(nursery, tmp_path, lab):
    """Who holds it may take it again, and others wait until the last hold is over."""
    lock = WriterLock(lab)
    with lock.hold():
        with lock.hold():
            pass
        other, taken, release = start_holder(nursery, tmp_path, "other")
        time.sleep(0.15)
        assert not taken.exists()
    wait_for(taken)
    release.touch()
    assert nursery.wait(other) == 0


def test_threads_queue(lab):
    """Threads that share a lock come one after the other."""
    lock, inside, seen = WriterLock(lab), [], []

    def work():
        for _ in range(50):
            with lock.hold():
                inside.append(1)
                seen.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 200


def test_folder_moved_away(lab):
    """A holder of a folder that was moved takes the one that is there now."""
    lock = WriterLock(lab)
    with lock.hold():
        lab.rename(lab.with_name("old"))
        lab.mkdir()
        lock.renew()
        descriptor = os.open(lab, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
    lock.close()


def test_missing_folder(tmp_path):
    """Where there is no folder the error names it."""
    missing = WriterLock(tmp_path / "gone")
    with pytest.raises(StoreFailed, match=r"cannot lock .*gone"), missing.hold():
        pass
    with pytest.raises(StoreFailed, match=r"cannot lock .*gone"), shared(tmp_path / "gone"):
        pass
