"""95 % intervals: by drawing blocks again, for means of what hangs together; Wilson's, for shares.

Losses of neighbouring tokens are alike, so tokens are not drawn one by one: a text is cut into
blocks of neighbours, and blocks are drawn with replacement (Künsch 1989; here blocks do not
overlap). The statistic is a ratio of sums, since blocks are not all of one length. The draws come
from a fixed seed: the same numbers give the same interval.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Tokens that stand next to one another and are drawn as one, at the most.
BLOCK: Final = 64
#: Below this an interval says little of itself, and none is given.
FEWEST_BLOCKS: Final = 8
DRAWS: Final = 2000
_SEED: Final = 20_260_101
#: Two-sided 95 % of the normal distribution.
_Z: Final = 1.959963984540054
_AT_ONCE: Final = 1 << 22

Interval = tuple[float, float]


def block_sums(
    values: NDArray[np.float64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sum and count of each block: at most `BLOCK` values, none across one of `starts`.

    `starts` are ascending indices at which a passage begins, the first of them 0.
    """
    edges: list[int] = []
    for begin, end in zip(starts, [*starts[1:], len(values)], strict=True):
        edges += range(int(begin), int(end), BLOCK)
    at = np.array(edges, dtype=np.int64)
    counts = np.diff(np.append(at, len(values))).astype(np.float64)
    return np.add.reduceat(values, at), counts


def of_mean(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> Interval | None:
    """Return the 95 % interval of sum over count, by drawing blocks again.

    None where there are fewer than `FEWEST_BLOCKS` blocks, or a sum is not finite.
    """
    blocks = len(sums)
    if blocks < FEWEST_BLOCKS or not np.isfinite(sums).all():
        return None
    random = np.random.Generator(np.random.Philox(_SEED))
    means, step = [], max(1, _AT_ONCE // blocks)
    for first in range(0, DRAWS, step):
        drawn = random.integers(0, blocks, size=(min(step, DRAWS - first), blocks))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return float(low), float(high)


def wilson(hits: int, n: int) -> Interval:
    """Return Wilson's 95 % interval of a share of n; ValueError for n < 1.

    >>> tuple(round(end, 4) for end in wilson(8, 10))
    (0.4902, 0.9433)
    """
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"{hits} of {n} is no share")
    share, z2 = hits / n, _Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
