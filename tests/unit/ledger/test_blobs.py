"""Blobs: content-addressed, whole, verified."""

import hashlib
import os

import pytest

from ledger.blobs import blob_path, list_blobs, read_blob, write_blob
from ledger.errors import IntegrityError, Malformed, StoreFailed

HASH = "sha256:" + hashlib.sha256(b"evidence").hexdigest()


def test_round_trip(folder):
    """Bytes come back under their SHA-256, from the place the design names."""
    assert write_blob(folder, b"evidence") == HASH
    assert read_blob(folder, HASH) == b"evidence"
    digits = HASH.removeprefix("sha256:")
    path = folder.path / "blobs" / "sha256" / digits[:2] / digits[2:]
    assert path.read_bytes() == b"evidence"
    assert not path.stat().st_mode & 0o222


def test_kept_again(folder):
    """A blob that is there already stays the same file, and becomes young again."""
    write_blob(folder, b"evidence")
    path = blob_path(folder, HASH)
    before = path.stat()
    os.utime(path, (0, 0))
    assert write_blob(folder, b"evidence") == HASH
    after = path.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert after.st_mtime_ns >= before.st_mtime_ns
    assert [path.name for path in path.parent.iterdir()] == [HASH[9:]]


@pytest.mark.parametrize(
    "digest",
    ["", "sha256:", HASH.upper(), HASH[7:], "sha256:../../../../etc/passwd", HASH + "/../x",
     "sha256:" + "../" * 21 + "a", "md5:" + "0" * 32, HASH + "\n"],
)  # fmt: skip
def test_no_escape(folder, digest):
    """Anything but a digest is refused, so no path leaves the folder."""
    with pytest.raises(Malformed, match="is not a digest"):
        blob_path(folder, digest)
    with pytest.raises(Malformed):
        read_blob(folder, digest)


def test_changed_blob(folder):
    """A blob whose bytes changed is an integrity error."""
    write_blob(folder, b"evidence")
    blob_path(folder, HASH).chmod(0o644)
    blob_path(folder, HASH).write_bytes(b"Evidence")
    with pytest.raises(IntegrityError, match="does not have that digest"):
        read_blob(folder, HASH)


def test_missing_blob(folder):
    """A blob that is gone is an integrity error."""
    with pytest.raises(IntegrityError, match="is missing"):
        read_blob(folder, HASH)


def test_list(folder):
    """Every blob is listed, ascending; a scratch file that a crash left is not."""
    digests = sorted(write_blob(folder, bytes([n])) for n in range(20))
    (blob_path(folder, digests[0]).parent / ".new-abc").write_bytes(b"half")
    assert list(list_blobs(folder)) == digests


def test_no_place(folder):
    """Where a blob cannot be written the error is clear and names the size."""
    folder.blobs.rmdir()
    folder.blobs.touch()
    with pytest.raises(StoreFailed, match="cannot write a blob of 8 bytes"):
        write_blob(folder, b"evidence")
