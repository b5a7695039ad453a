"""Evidence bytes, content-addressed: `blobs/sha256/ab/<62 more hex digits>`.

A blob is written to a scratch file, flushed and renamed, so that a digest that exists is whole.
Whoever keeps a blob holds the lock of the blobs shared meanwhile, whoever takes blobs away holds it
alone: a blob that is there already, and is kept again, cannot vanish between the look and the
answer. Keeping it again makes it young, and a clean-up leaves young ones alone.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ledger import ids
from ledger.errors import IntegrityError, LedgerError, Malformed, StoreFailed
from ledger.folder import Folder
from ledger.journal.batch import sync_folder
from ledger.journal.lock import WriterLock, shared

#: How the name of a file begins that is being written.
SCRATCH: Final = ".new-"


def blob_path(folder: Folder, digest: str) -> Path:
    """Where the blob with this digest lies. Raises `Malformed` for anything but a digest."""
    if not ids.is_hash(digest):
        raise Malformed(f"{digest!r} is not a digest", hint="a digest is sha256: and 64 hex digits")
    digits = digest[len(ids.HASH_PREFIX) :]
    return folder.blobs / digits[:2] / digits[2:]


def write_blob(folder: Folder, data: bytes) -> str:
    """Keep `data` and return its digest; a blob that is there already only becomes young again.

    Raises `StoreFailed`.
    """
    digest = ids.HASH_PREFIX + hashlib.sha256(data).hexdigest()
    path = blob_path(folder, digest)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with shared(folder.blobs):
            if not _renew(path):
                _write(path, data)
    except (OSError, StoreFailed) as error:
        reason = error.message if isinstance(error, LedgerError) else error.strerror
        raise StoreFailed(
            f"cannot write a blob of {len(data)} bytes: {reason}",
            hint="check the space and the permissions of the ledger's folder",
        ) from error
    return digest


def _renew(path: Path) -> bool:
    """Make a blob young that is there; whether it is. One of another owner is written anew."""
    try:
        os.utime(path)
    except (FileNotFoundError, PermissionError):
        return False
    return True


def _write(path: Path, data: bytes) -> None:
    scratch = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=SCRATCH, delete=False) as file:
            scratch = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(0o444)
        scratch.rename(path)
        sync_folder(path.parent)
    except OSError:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
        raise


def read_blob(folder: Folder, digest: str) -> bytes:
    """The bytes behind a digest, verified. Raises `IntegrityError` where missing or changed."""
    try:
        data = blob_path(folder, digest).read_bytes()
    except FileNotFoundError as error:
        raise IntegrityError(
            f"blob {digest} is missing", hint="restore it from a copy; `ledger audit` lists all"
        ) from error
    if hashlib.sha256(data).hexdigest() != digest[len(ids.HASH_PREFIX) :]:
        raise IntegrityError(
            f"blob {digest} does not have that digest any more",
            hint="restore it from a copy; `ledger audit` lists all",
        )
    return data


def list_blobs(folder: Folder) -> Iterator[str]:
    """Every digest that has a blob, ascending."""
    for path in _files(folder):
        digest = ids.HASH_PREFIX + path.parent.name + path.name
        if ids.is_hash(digest):
            yield digest


def list_scratch(folder: Folder) -> Iterator[Path]:
    """Files in which a blob is being written, or was when its writer died."""
    return (path for path in _files(folder) if path.name.startswith(SCRATCH))


def _files(folder: Folder) -> Iterator[Path]:
    if not folder.blobs.is_dir():  # git keeps no empty folder
        return
    for part in sorted(path for path in folder.blobs.iterdir() if path.is_dir()):
        yield from sorted(part.iterdir())


@contextlib.contextmanager
def removing(folder: Folder) -> Iterator[None]:
    """Be the one who takes blobs away: nobody keeps one meanwhile. Raises `StoreFailed`.

    Whoever needs the writer lock besides takes that one first.
    """
    lock = WriterLock(folder.blobs)
    try:
        with lock.hold():
            yield
    finally:
        lock.close()


def remove_blob(folder: Folder, digest: str) -> bool:
    """Take a blob away, on the disk before this returns; whether there was one.

    Raises `StoreFailed`. A removed file is not an erased disk, and copies elsewhere stay.
    """
    path = blob_path(folder, digest)
    try:
        path.unlink()
        sync_folder(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreFailed(
            f"cannot remove blob {digest}: {error.strerror}",
            hint="check the permissions of the ledger's folder, then do it again",
        ) from error
    return True
