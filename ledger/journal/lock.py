"""The one lock of a ledger: exclusive for writers, shared for a reader that asks where the end is.

flock(2) on the folder `.ledger` itself. The kernel lets go when a process dies, so a killed writer
blocks no one; and a folder with a record in it cannot be deleted under its holder, as a lock file
could: then two writers would each hold "the" lock. One that was moved away is noticed with
`is_current`.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from ledger.errors import StoreFailed


class WriterLock:
    """The exclusive lock, its folder kept open between uses; threads of one process queue."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = threading.RLock()
        self._descriptor: int | None = None
        self._depth = 0

    def acquire(self) -> None:
        """Take the lock, once more where this thread has it already. Raises `StoreFailed`."""
        self._threads.acquire()
        try:
            if self._depth == 0:
                if self._descriptor is None:
                    self._descriptor = _open(self._folder)
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            self._depth += 1
        except BaseException:  # a Ctrl-C between taking it and knowing so, too
            if self._depth == 0 and self._descriptor is not None:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._threads.release()
            raise

    def release(self) -> None:
        """Let go of what one `acquire` took."""
        self._depth -= 1
        if self._depth == 0 and self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._threads.release()

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock for the length of a with block. Raises `StoreFailed`."""
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def renew(self) -> None:
        """While holding it: make sure that the lock is on the folder that is there now."""
        while self._descriptor is None or not _is_current(self._descriptor, self._folder):
            self.close()
            self._descriptor = _open(self._folder)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def close(self) -> None:
        """Close the folder; the next use opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextlib.contextmanager
def shared(folder: Path) -> Iterator[None]:
    """Hold the lock shared for the length of a with block. Raises `StoreFailed`."""
    descriptor = _open(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _open(folder: Path) -> int:
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreFailed(
            f"cannot lock {folder}: {error.strerror}",
            hint="check that the ledger's folder is there and can be read",
        ) from error


def _is_current(descriptor: int, folder: Path) -> bool:
    """Whether the locked folder is still the one that others will open."""
    try:
        there = folder.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino)
