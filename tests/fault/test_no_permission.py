"""A folder that may not be written, that was moved, or that is gone."""

import os
import shutil
import time

import pytest
from ledgers import EXECUTOR, HUMAN, lines_of, new_recorder, note, snapshot, step

from ledger.errors import StoreFailed
from ledger.state import remove_state

STORE_FAILED = 7
#: A writer looks a few times every hundredth of a second whether its folder is still there.
_NOTICED_SECONDS = 0.02
SEGMENT = f"journal/{0:020d}.log"


@pytest.fixture
def closed(folder):
    """A ledger with one entry, open to the world; the test closes what it wants."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    recorder = new_recorder(folder)
    recorder.append([note("before")], actor=HUMAN)
    recorder.close()
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


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([""], STORE_FAILED),
        (["state.sqlite"], STORE_FAILED),
        (["", "journal", SEGMENT, "state.sqlite"], STORE_FAILED),
        (["journal", SEGMENT], STORE_FAILED),
        (["journal"], 0),  # a single line makes no new file
        ([SEGMENT], 0),  # it counts as sealed: the next one is begun
    ],
)
def test_closed(closed, nursery, parts, code):
    """Where something that is needed may not be written, the error says so, nothing is recorded."""
    before = snapshot(closed)
    modes = {closed.path / part: (closed.path / part).stat().st_mode for part in parts}
    for path in modes:
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert nursery.run("append_as_nobody", closed.path) == code
    assert (snapshot(closed) == before) == (code == STORE_FAILED)
    for path, mode in modes.items():
        path.chmod(mode)
    if "state.sqlite" in parts:
        remove_state(closed)  # as the hint says: it is rebuilt
    assert nursery.run("append_as_nobody", closed.path) == 0
    assert len(lines_of(closed)) == (2 if code == STORE_FAILED else 3)


def test_unreadable(closed, nursery):
    """A journal that may not be read is a clear error too."""
    (closed.path / SEGMENT).chmod(0o200)
    closed.state.unlink()
    assert nursery.run("append_as_nobody", closed.path) == STORE_FAILED


def test_folder_replaced(folder):
    """A writer whose ledger was moved away and replaced by a copy goes on in the copy."""
    recorder = new_recorder(folder)
    recorder.append([step("r-1", 0)], actor=EXECUTOR)
    away = folder.path.with_name("away")
    folder.path.rename(away)
    shutil.copytree(away, folder.path)
    time.sleep(_NOTICED_SECONDS)
    before = snapshot(folder)
    recorder.append([step("r-1", 1)], actor=EXECUTOR)
    new_recorder(folder).append([step("r-1", 2)], actor=EXECUTOR)
    recorder.append([step("r-1", 3)], actor=EXECUTOR)
    assert len(lines_of(folder)) == 4
    assert (away / SEGMENT).read_bytes() == before[f"{0:020d}.log"]


def test_folder_deleted(folder):
    """A writer whose ledger was removed says so, and makes no new one."""
    recorder = new_recorder(folder)
    recorder.append([step("r-1", 0)], actor=EXECUTOR)
    folder.path.rename(folder.path.with_name("away"))
    time.sleep(_NOTICED_SECONDS)
    with pytest.raises(StoreFailed, match="cannot lock"):
        recorder.append([step("r-1", 1)], actor=EXECUTOR)
    assert not folder.path.exists()
