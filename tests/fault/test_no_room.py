"""A disk or a file that takes no more: a clear error, nothing half-written, then it works."""

import contextlib
import os
import shutil
import subprocess

import pytest
from ledgers import (
    EXECUTOR,
    HUMAN,
    forget_state,
    gaps_of,
    last_segment,
    lines_of,
    new_folder,
    new_recorder,
    note,
    snapshot,
    step,
)

from ledger.errors import StoreFailed
from ledger.journal.batch import NAME


@pytest.mark.parametrize("size", [1, 6])
@pytest.mark.parametrize("room", [0, 1, 100, 300])
def test_file_size_limit(nursery, folder, size, room):
    """Under RLIMIT_FSIZE the part that was taken is cut off again; without it the next works."""
    recorder = new_recorder(folder)
    for number in range(20):
        recorder.append([note(f"{number} " + "x" * 400)], actor=HUMAN)
    recorder.close()
    before = last_segment(folder).read_bytes()
    assert nursery.run("append_beyond_limit", folder.path, room, size) == 0
    assert (folder.path / "after_failure").read_bytes() == before
    assert not (folder.journal / NAME).exists()
    lines = lines_of(folder)
    assert len(lines) == 20 + size
    assert gaps_of(folder) == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with 256 KiB, where this machine lets us mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a tmpfs needs root and mount(8); RLIMIT_FSIZE is tested above")
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        pytest.skip(f"no tmpfs here ({result.stderr.strip()}); RLIMIT_FSIZE is tested above")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(recorder):
    """Record batches of 20 steps for longer than a small disk can take."""
    for first in range(0, 2000, 20):
        recorder.append([step("r-1", n) for n in range(first, first + 20)], actor=EXECUTOR)


def remark(recorder):
    """Record long notes for longer than a full disk can take; each is folded into the state."""
    for number in range(500):
        recorder.append([note(f"{number} " + "x" * 2000)], actor=HUMAN)


def test_full_disk(small_disk):
    """A disk that fills up in the middle of a batch keeps what was acknowledged, and no more."""
    folder = new_folder(small_disk / "lab")
    recorder = new_recorder(folder)
    with pytest.raises(StoreFailed) as refused:
        fill(recorder)
    assert refused.value.hint.startswith("nothing was recorded")
    written = len(lines_of(folder))
    assert 0 < written < 2000
    assert written % 20 == 0
    assert [path.name for path in folder.journal.iterdir()] == [last_segment(folder).name]
    before = snapshot(folder)
    with pytest.raises(StoreFailed):
        recorder.append([step("r-1", n) for n in range(20)], actor=EXECUTOR)
    assert snapshot(folder) == before
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    (receipt,) = recorder.append([step("r-1", written)], actor=EXECUTOR)
    assert (receipt.position, receipt.stream_version) == (written, written)
    new_recorder(forget_state(folder)).append([note("after")], actor=HUMAN)
    assert gaps_of(folder) == []


def test_state_on_a_full_disk(small_disk):
    """A state that finds no room is a clear error, and the journal is as it was."""
    folder = new_folder(small_disk / "lab")
    recorder = new_recorder(folder)
    recorder.append([note("before")], actor=HUMAN)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)
    with pytest.raises(StoreFailed):
        remark(recorder)
    before = len(lines_of(folder))
    with pytest.raises(StoreFailed):
        recorder.append([note("x" * 2000)], actor=HUMAN)
    assert len(lines_of(folder)) == before
    filler.unlink()
    recorder.append([note("after")], actor=HUMAN)
    assert b'"text":"after"' in lines_of(folder)[-1].entry
