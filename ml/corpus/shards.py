"""Shards: files of token ids, little endian, two or four bytes each, and nothing else in them.

`train-00000.bin`, `train-00001.bin` … are one stream, cut anywhere; each document is followed by
the end token. A stream is mapped, not read: what is not looked at costs nothing.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from ml.errors import FileUnreadable, MalformedFile

#: Ids that are looked at together: what a pass over a stream holds in memory is some of these.
CHUNK: Final = 1 << 20


@frozen(kw_only=True)
class Shard:
    """One file."""

    name: str
    split: str
    tokens: int
    sha256: str
    """Of the file, in hex."""


@define
class Stream:
    """The ids of one side, over all its shards."""

    parts: Sequence[NDArray[Any]] = field(repr=False)
    dtype: np.dtype[Any]
    begins: NDArray[np.int64] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.begins = np.cumsum([0, *map(len, self.parts)], dtype=np.int64)

    def __len__(self) -> int:
        return int(self.begins[-1])

    def read(self, begin: int, end: int) -> NDArray[Any]:
        """Return the ids from `begin` up to `end`, which may lie in several shards."""
        first = int(np.searchsorted(self.begins, begin, "right")) - 1
        pieces = []
        while begin < end:
            start = int(self.begins[first])
            piece = self.parts[first][begin - start : end - start]
            pieces.append(piece)
            begin += len(piece)
            first += 1
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.empty(0, self.dtype)

    def chunks(self, overlap: int = 0, size: int = CHUNK) -> Iterable[tuple[int, NDArray[Any]]]:
        """Yield (first place, ids): `size` ids and the `overlap` ids behind them, until the end."""
        for begin in range(0, len(self), size):
            yield begin, self.read(begin, min(begin + size + overlap, len(self)))


def open_stream(paths: Sequence[Path], tokens: Sequence[int], dtype: np.dtype[Any]) -> Stream:
    """Map shards that should have so many tokens each.

    Raises `FileUnreadable`, and `MalformedFile` for one of another size.
    """
    return Stream([_map(path, n, dtype) for path, n in zip(paths, tokens, strict=True)], dtype)


def _map(path: Path, tokens: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        size = path.stat().st_size
        if size != tokens * dtype.itemsize:
            raise MalformedFile(
                f"{size} bytes, and its {tokens} ids take {tokens * dtype.itemsize}",
                path=path,
                offset=min(size, tokens * dtype.itemsize),
                hint="build the corpus again, or take the shard from where it is whole",
            )
        return np.memmap(path, dtype, "r") if tokens else np.empty(0, dtype)
    except OSError as error:
        raise FileUnreadable(
            f"cannot read {path}: {error.strerror}", hint="build the corpus again"
        ) from error


def write_shards(folder: Path, split: str, stream: Stream, shard_tokens: int) -> tuple[Shard, ...]:
    """Write a stream as shards of at most so many ids, in chunks; returns what was written."""
    written = []
    for number, begin in enumerate(range(0, len(stream), shard_tokens)):
        name = f"{split}-{number:05d}.bin"
        end = min(begin + shard_tokens, len(stream))
        digest = hashlib.sha256()
        with (folder / name).open("wb") as file:
            for start in range(begin, end, CHUNK):
                data = stream.read(start, min(start + CHUNK, end)).tobytes()
                digest.update(data)
                file.write(data)
        written.append(Shard(name=name, split=split, tokens=end - begin, sha256=digest.hexdigest()))
    return tuple(written)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex, read in pieces; raise `FileUnreadable`."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileUnreadable(
            f"cannot read {path}: {error.strerror}", hint="build the corpus again"
        ) from error
