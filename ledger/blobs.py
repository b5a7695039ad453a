"""Evidence bytes, content-addressed: `blobs/sha256/ab/<62 more hex digits>`.

A blob is written to a scratch file, flushed and renamed, so that a digest that exists is whole.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ledger import ids
from ledger.errors import IntegrityError, Malformed, StoreFailed
from ledger.folder import Folder
from ledger.journal.batch import sync_folder


def blob_path(folder: Folder, digest: str) -> Path:
    """Where the blob with this digest lies. Raises `Malformed` for anything but a digest."""
    if not ids.is_hash(digest):
        raise Malformed(f"{digest!r} is not a digest", hint="a digest is sha256: and 64 hex digits")
    digits = digest[len(ids.HASH_PREFIX) :]
    return folder.blobs / digits[:2] / digits[2:]


def write_blob(folder: Folder, data: bytes) -> str:
    """Keep `data` and return its digest; a blob that is there already is left alone."""
    digest = ids.HASH_PREFIX + hashlib.sha256(data).hexdigest()
    path = blob_path(folder, digest)
    if path.exists():
        return digest
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
            scratch = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(0o444)
        scratch.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
        raise StoreFailed(
            f"cannot write a blob of {len(data)} bytes: {error.strerror}",
            hint="check the space and the permissions of the ledger's folder",
        ) from error
    return digest


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
    for part in sorted(path for path in folder.blobs.iterdir() if path.is_dir()):
        for path in sorted(part.iterdir()):
            digest = ids.HASH_PREFIX + part.name + path.name
            if ids.is_hash(digest):
                yield digest
