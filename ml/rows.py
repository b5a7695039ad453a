"""Which rows of a trace are kept, and the blob they are kept in (spec/formats/trace.md).

A trace keeps every row up to 64 of them, else the first 4, the last 16 and 44 evenly spaced
between.
The blob is little-endian float32 `[points, kept rows, 10 + 64]`: points in computation order, rows
ascending, then the ten statistics and the 64 lanes of the sketch.
"""

import numpy as np
from numpy.typing import NDArray

from ml.errors import MalformedTrace
from ml.sketch import LANES
from ml.statistics import WIDTH

MOST_ROWS, FIRST, LAST, BETWEEN = 64, 4, 16, 44
COLUMNS = WIDTH + LANES
ALL = "all"
SAMPLED = "first 4, last 16, 44 evenly spaced between"


def kept_rows(count: int) -> tuple[int, ...]:
    """Return the kept rows of `count`, ascending.

    >>> kept_rows(3)
    (0, 1, 2)
    >>> len(kept_rows(1000))
    64
    """
    if count <= MOST_ROWS:
        return tuple(range(count))
    low, high = FIRST, count - LAST  # rows low … high - 1 lie between; there are at least 45
    spread = high - 1 - low
    between = [low + spread * i // (BETWEEN - 1) for i in range(BETWEEN)]
    return (*range(FIRST), *between, *range(high, count))


def selection_name(count: int) -> str:
    """Return how `kept_rows(count)` were selected, as the identity record says it."""
    return ALL if count <= MOST_ROWS else SAMPLED


def to_blob(rows: NDArray[np.float32]) -> bytes:
    """Return the bytes of `float32 [points, kept rows, 74]`, every NaN in one canonical form."""
    canonical = np.where(np.isnan(rows), np.float32(np.nan), rows)
    return canonical.astype("<f4").tobytes()


def from_blob(blob: bytes, points: int, count: int) -> NDArray[np.float32]:
    """Return `float32 [points, count, 74]`; raise `MalformedTrace` where the size does not fit."""
    expected = points * count * COLUMNS * 4
    if len(blob) != expected:
        raise MalformedTrace(
            f"the blob has {len(blob)} bytes, and {points} points of {count} rows take {expected}",
            hint="the blob belongs to another trace, or was cut: audit the ledger",
        )
    array = np.frombuffer(blob, dtype="<f4").reshape(points, count, COLUMNS)
    return array.astype(np.float32, copy=False)
