"""A folder is made beside its place and put there whole, so that nobody sees a half of it.

`OUT` is built as `.OUT.new` and renamed; what stood there is `.OUT.old` for the moment between two
renames. A build that died leaves these; the next one puts things right, under a lock.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ml.corpus.manifest import MANIFEST
from ml.errors import FileUnwritable


@contextlib.contextmanager
def workplace(out: Path) -> Iterator[Path]:
    """Yield an empty folder on the same disk as `out`; it is gone afterwards, put in place or not.

    Raises `FileUnwritable` where `out` is something that no build made, or another build is at it.
    """
    check_place(out)
    new = _beside(out, "new")
    try:
        new.mkdir(parents=True, exist_ok=True)
        lock = os.open(new, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise FileUnwritable(
            f"cannot write to {out.parent}: {error.strerror}", hint="give another folder"
        ) from error
    try:
        _lock(lock, out)
        _clear(new, out)
        yield new
    except OSError as error:
        raise FileUnwritable(
            f"cannot write {out}: {error.strerror}", hint="look at space and permissions there"
        ) from error
    finally:
        if _is_still(new, lock):
            shutil.rmtree(new, ignore_errors=True)
        os.close(lock)


def _clear(new: Path, out: Path) -> None:
    """Put right what a build that died has left."""
    old = _beside(out, "old")
    if old.exists() and not out.exists():
        old.rename(out)
    shutil.rmtree(old, ignore_errors=True)
    for left in new.iterdir():
        left.unlink()


def _is_still(new: Path, lock: int) -> bool:
    """Whether the folder is the one that was locked: not put in place, and not another build's."""
    try:
        return new.stat().st_ino == os.fstat(lock).st_ino
    except OSError:
        return False


def put_in_place(work: Path, out: Path) -> None:
    """Flush a finished folder to the disk and give it its name."""
    for path in sorted(work.iterdir()):
        _flush(path)
    _flush(work)
    old = _beside(out, "old")
    if out.exists():
        out.rename(old)
    work.rename(out)
    _flush(out.parent)
    shutil.rmtree(old, ignore_errors=True)


def check_place(out: Path) -> None:
    """Raise `FileUnwritable` where there is something that no build made."""
    try:
        is_free = not out.is_symlink() and (
            not out.exists()
            or (out.is_dir() and ((out / MANIFEST).is_file() or not any(out.iterdir())))
        )
    except OSError as error:
        raise FileUnwritable(
            f"cannot look at {out}: {error.strerror}", hint="give another folder"
        ) from error
    if not is_free:
        raise FileUnwritable(
            f"{out} is there, and is no corpus", hint="give a folder that is not there, or empty"
        )


def _beside(out: Path, what: str) -> Path:
    return out.parent / f".{out.name}.{what}"


def _lock(folder: int, out: Path) -> None:
    """One build of a folder at a time."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise FileUnwritable(
            f"another build of {out} is at work", hint="wait until it is done"
        ) from error


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
