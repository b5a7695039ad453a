"""The one lock of a ledger: exclusive for writers, shared for a reader that asks where the end is.

flock(2) on a file of its own and then on the folder it lies in. The kernel lets go when a process
dies, so a killed writer blocks no one. A lock file that was deleted is noticed by its inode, and
the one that is there now is taken; the folder keeps the new holder waiting while the old one is
still at work: otherwise two writers would each hold "the" lock.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from ledger.errors import StoreFailed


class WriterLock:
    """The exclusive lock, with its file kept open between uses; threads of one process queue."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.RLock()
        self._descriptors: tuple[int, int] | None = None

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock for the length of a with block. Raises `StoreFailed`."""
        with self._threads:
            file, folder = self._take()
            try:
                yield
            finally:
                fcntl.flock(folder, fcntl.LOCK_UN)
                fcntl.flock(file, fcntl.LOCK_UN)

    def _take(self) -> tuple[int, int]:
        while True:
            if self._descriptors is None:
                self._descriptors = _open_pair(self._path, os.O_RDWR | os.O_CREAT)
            file, folder = self._descriptors
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.flock(folder, fcntl.LOCK_EX)
            if _is_current(file, self._path):
                return file, folder
            self.close()

    def close(self) -> None:
        """Close the lock's files; the next use opens them again."""
        if self._descriptors is not None:
            for descriptor in self._descriptors:
                os.close(descriptor)
            self._descriptors = None


@contextlib.contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold the lock shared for the length of a with block. Raises `StoreFailed`."""
    while True:
        file, folder = _open_pair(path, os.O_RDONLY)
        fcntl.flock(file, fcntl.LOCK_SH)
        fcntl.flock(folder, fcntl.LOCK_SH)
        if _is_current(file, path):
            break
        os.close(folder)
        os.close(file)
    try:
        yield
    finally:
        os.close(folder)
        os.close(file)


def _open_pair(path: Path, flags: int) -> tuple[int, int]:
    """The lock file and the folder it lies in, always taken in this order."""
    file = _open(path, flags)
    try:
        return file, _open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except StoreFailed:
        os.close(file)
        raise


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreFailed(
            f"cannot open the lock {path}: {error.strerror}",
            hint="check that the ledger's folder is there and can be written",
        ) from error


def _is_current(descriptor: int, path: Path) -> bool:
    """Whether the locked file is still the one that others will open."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino)
