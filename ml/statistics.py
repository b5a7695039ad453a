"""Statistics of a row of numbers, and of many rows pooled.

A row has ten columns in a fixed order (`COLUMNS`), part of the stored blob's layout. The first six
are over its finite values (zeros among them); the last four count NaN, the infinities and zeros.
The mean comes first, then M2 about that row's own mean (two passes): with one pivot for all rows
an activation of 1,000 in the first token makes another row's std 18 times too large.

Where a row has no finite value, `mean`, `m2`, `min`, `max` and `abs_sum` are 0 and mean nothing:
`count` says so.
"""

import math

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

COLUMNS = (
    "count",
    "mean",
    "m2",
    "min",
    "max",
    "abs_sum",
    "nan_count",
    "pos_inf_count",
    "neg_inf_count",
    "zero_count",
)
WIDTH = len(COLUMNS)
COUNT, MEAN, M2, MIN, MAX, ABS_SUM, NAN, POS_INF, NEG_INF, ZERO = range(WIDTH)


@frozen(kw_only=True)
class Statistics:
    """Statistics of one row, or of rows pooled."""

    count: int
    """Finite values."""
    mean: float
    """Mean of the finite values; 0 where `count` is 0."""
    m2: float
    """Sum of squared distances from the mean."""
    min: float
    """Least finite value."""
    max: float
    """Greatest finite value."""
    abs_sum: float
    """Sum of magnitudes."""
    nan_count: int
    """Values that are NaN."""
    pos_inf_count: int
    """Values that are +Inf."""
    neg_inf_count: int
    """Values that are -Inf."""
    zero_count: int
    """Finite values that are +0 or -0."""

    @property
    def std(self) -> float:
        """Sample standard deviation (n - 1) of the finite values; 0 below two of them."""
        return math.sqrt(self.m2 / (self.count - 1)) if self.count > 1 else 0.0

    @property
    def rms(self) -> float:
        """Root mean square of the finite values; 0 where there are none."""
        if self.count == 0:
            return 0.0
        return math.sqrt((self.m2 + self.count * self.mean**2) / self.count)

    @property
    def inf_count(self) -> int:
        """Infinities of either sign."""
        return self.pos_inf_count + self.neg_inf_count


def row_statistics(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `float32 [rows, 10]` of `float32 [rows, width]`, summing in float64.

    A column too large for float32 (M2 of values beyond 1e19) is +Inf.
    """
    finite = np.isfinite(rows)
    count = finite.sum(axis=1)
    some = count > 0
    held = np.where(finite, rows, np.float32(0)).astype(np.float64)
    mean = held.sum(axis=1) / np.maximum(count, 1)
    distances = np.where(finite, held - mean[:, None], 0.0)
    columns = np.zeros((len(rows), WIDTH), dtype=np.float64)
    columns[:, COUNT] = count
    columns[:, MEAN] = mean
    columns[:, M2] = (distances * distances).sum(axis=1)
    columns[:, MIN] = np.where(some, np.where(finite, rows, np.inf).min(axis=1, initial=np.inf), 0)
    columns[:, MAX] = np.where(
        some, np.where(finite, rows, -np.inf).max(axis=1, initial=-np.inf), 0
    )
    columns[:, ABS_SUM] = np.abs(held).sum(axis=1)
    columns[:, NAN] = np.isnan(rows).sum(axis=1)
    columns[:, POS_INF] = (rows == np.inf).sum(axis=1)
    columns[:, NEG_INF] = (rows == -np.inf).sum(axis=1)
    columns[:, ZERO] = (rows == 0).sum(axis=1)
    with np.errstate(over="ignore"):
        return columns.astype(np.float32)


def pool(rows: NDArray[np.float32]) -> Statistics:
    """Return the statistics of `float32 [rows, 10]` pooled, by Chan's formula in float64.

    mean and M2 of all = Σ nᵢ·mᵢ / n and Σ M2ᵢ + Σ nᵢ·(mᵢ - mean)², which is Chan, Golub and
    LeVeque's pairwise update taken over all rows at once.
    """
    columns = rows.astype(np.float64)
    columns = columns[columns[:, COUNT] > 0]
    counts, means = columns[:, COUNT], columns[:, MEAN]
    total = float(counts.sum())
    mean = float((counts * means).sum() / total) if total else 0.0
    between = float((counts * (means - mean) ** 2).sum())
    everything = rows.astype(np.float64).sum(axis=0)
    return Statistics(
        count=int(total),
        mean=mean,
        m2=float(columns[:, M2].sum()) + between,
        min=float(columns[:, MIN].min()) if total else 0.0,
        max=float(columns[:, MAX].max()) if total else 0.0,
        abs_sum=float(columns[:, ABS_SUM].sum()),
        nan_count=int(everything[NAN]),
        pos_inf_count=int(everything[POS_INF]),
        neg_inf_count=int(everything[NEG_INF]),
        zero_count=int(everything[ZERO]),
    )
