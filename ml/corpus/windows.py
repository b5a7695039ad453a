"""Whether any run of ids stands on both sides: every place of both streams is looked at.

A window is `length` ids in a row, beginning anywhere. Equal windows have equal hashes, so where no
hash is on both sides, no window is: that is a proof. Two different windows could share a hash of 64
bits; then a window is counted that is not shared, never the other way round. A longer run holds
shorter ones, so what is free of shared windows of one length is so of all greater lengths.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.corpus.shards import CHUNK, Stream
from ml.corpus.shingles import mixed, span_hashes

#: Windows of the held-out side in memory at a time; the training side is read for each lot.
_HELD: Final = 1 << 23
#: The first bits of a hash, by which most windows are told apart without a search.
_BITS: Final = 24


@frozen
class Overlap:
    """What comparing all windows of both sides found."""

    places: NDArray[np.int64]
    """Where shared windows begin on the training side, ascending."""
    train: int
    """Windows of the training side."""
    held_out: int
    """Windows of the held-out side."""


def overlap(train: Stream, held_out: Stream, length: int) -> Overlap:
    """Compare every window of one side with every window of the other."""
    found: set[int] = set()
    for begin in range(0, count(held_out, length), _HELD):
        end = min(begin + _HELD + length - 1, len(held_out))
        part = Stream([held_out.read(begin, end)], held_out.dtype)
        hashes = np.unique(np.concatenate([h for _, h in _hashes(part, length)]))
        is_first = np.zeros(1 << _BITS, bool)
        is_first[hashes >> np.uint64(64 - _BITS)] = True
        for place, ours in _hashes(train, length):
            near = np.flatnonzero(is_first[ours >> np.uint64(64 - _BITS)])
            at = np.minimum(np.searchsorted(hashes, ours[near]), len(hashes) - 1)
            found.update((place + near[hashes[at] == ours[near]]).tolist())
    return Overlap(np.array(sorted(found), np.int64), count(train, length), count(held_out, length))


def count(stream: Stream, length: int) -> int:
    """Return how many windows a stream has."""
    return max(0, len(stream) - length + 1)


def _hashes(stream: Stream, length: int) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """Yield the place of a chunk's first window, and a hash of each window that begins there."""
    for begin, ids in stream.chunks(overlap=length - 1):
        windows = min(CHUNK, len(ids) - length + 1)
        if windows > 0:
            yield begin, window_hashes(ids, length)[:windows]


def window_hashes(ids: NDArray[Any], length: int) -> NDArray[np.uint64]:
    """Return a hash of each window of some ids: uint64 [len(ids) - length + 1]."""
    begins = np.arange(len(ids) - length + 1)
    return mixed(span_hashes(mixed(ids.astype(np.uint64) + np.uint64(1)), begins, begins + length))
