"""The folder of a run belongs to one process at a time: flock(2) on the folder itself.

Two processes that train one run would write over each other's checkpoints, and record two curves as
one. The kernel lets go when a process dies, so a run that was killed can go on at once.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from executors import base


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[Path]:
    """Make the folder of a run, and hold it for the length of a with block.

    Raises `BadArguments` where it cannot be made, `Conflict` where another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise base.BadArguments(
            f"cannot make {folder}: {error.strerror}", hint="choose another --out"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise base.Conflict(
            f"another process is training {folder.name}",
            hint="wait for its end, or stop it; `ledger query runs` says what is open",
        ) from None
    try:
        yield folder
    finally:
        os.close(descriptor)
