"""The one lock of a ledger: exclusive for writers, shared for a reader that asks where the end is.

flock(2) on a file of its own. The kernel lets go when a process dies, so a killed writer blocks no
one. A lock file that was deleted under a holder is noticed by its inode, and taken again on the
file that is there now: otherwise two writers would each hold "the" lock.
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
        self._descriptor: int | None = None

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock for the length of a with block. Raises `StoreFailed`."""
        with self._threads:
            descriptor = self._take()
            try:
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _take(self) -> int:
        while True:
            if self._descriptor is None:
                self._descriptor = _open(self._path, os.O_RDWR | os.O_CREAT)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            if _is_current(self._descriptor, self._path):
                return self._descriptor
            self.close()

    def close(self) -> None:
        """Close the lock's file; the next use opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextlib.contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold the lock shared for the length of a with block. Raises `StoreFailed`."""
    while True:
        descriptor = _open(path, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if _is_current(descriptor, path):
            break
        os.close(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)


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
