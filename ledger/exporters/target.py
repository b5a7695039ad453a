"""The file that an export goes to: it gets its name when it is whole, or there is none."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ledger.errors import BadArguments, Conflict, StoreFailed
from ledger.folder import Folder
from ledger.journal.batch import sync_folder

_BUFFER_BYTES: Final = 1 << 20


def check_target(path: Path, folder: Folder, *, force: bool) -> Path:
    """Where a file of this name will lie, links followed.

    Raises `Conflict` where there is one and not `force`, `BadArguments` for what is no place for
    an export: a folder, a device, the ledger itself.
    """
    place = path.resolve()
    if place.is_relative_to(folder.path):
        raise BadArguments(f"{path} lies inside the ledger", hint="choose a place beside it")
    if place.exists() and not place.is_file():
        raise BadArguments(f"{path} is no file", hint="name a file; - writes JSONL to stdout")
    if not place.parent.is_dir():
        raise BadArguments(f"there is no folder {place.parent}", hint="make it first")
    if place.exists() and not force:
        raise Conflict(f"{path} exists already", hint="choose another name, or give --force")
    return place


@contextlib.contextmanager
def replacing(place: Path) -> Iterator[BinaryIO]:
    """A file beside `place` that takes its name when the block ends, and is gone when it raises.

    What has the name is on the disk. Raises `StoreFailed`.
    """
    draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}.new")
    try:
        with draft.open("xb", buffering=_BUFFER_BYTES) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(place)
        sync_folder(place.parent)
    except OSError as error:
        raise StoreFailed(
            f"cannot write {place}: {error.strerror or error}",
            hint="check the space and the permissions; nothing has that name that was not there",
        ) from error
    finally:
        draft.unlink(missing_ok=True)
