"""Chan's pooling equals statistics taken of everything at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml.statistics import WIDTH, pool, row_statistics

NUMBERS = st.floats(width=32, min_value=-(2.0**20), max_value=2.0**20, allow_subnormal=False)
ANYTHING = st.one_of(
    NUMBERS, st.sampled_from([float("nan"), float("inf"), -float("inf"), 0.0, -0.0])
)
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 40))
ROWS = SHAPES.flatmap(lambda shape: arrays.arrays(np.float32, shape, elements=ANYTHING))


@given(ROWS)
def test_pooling_equals_direct(rows):
    """Counts exactly, sums to float32's rounding of each row."""
    pooled = pool(row_statistics(rows))
    finite = rows[np.isfinite(rows)].astype(np.float64)
    assert pooled.count == finite.size
    assert pooled.nan_count == np.isnan(rows).sum()
    assert pooled.pos_inf_count == (rows == np.inf).sum()
    assert pooled.neg_inf_count == (rows == -np.inf).sum()
    assert pooled.zero_count == (finite == 0).sum()
    assert pooled.count + pooled.nan_count + pooled.inf_count == rows.size
    if finite.size == 0:
        return
    size = np.abs(finite).max()
    assert pooled.mean == pytest.approx(finite.mean(), abs=1e-6 * size)
    direct = ((finite - finite.mean()) ** 2).sum()
    # Rounding a row's mean to float32 shifts it by up to 6e-8 of the largest value.
    # Squares under 1e-38 are under float32's range.
    allowed = 1e-6 * size**2 * finite.size + 1e-35
    assert pooled.m2 == pytest.approx(direct, rel=1e-5, abs=allowed)
    assert (pooled.min, pooled.max) == (finite.min(), finite.max())
    assert pooled.abs_sum == pytest.approx(np.abs(finite).sum(), rel=1e-6)


@given(ROWS, st.integers(0, 12))
def test_pooling_does_not_mind_the_order(rows, turn):
    """Rolled rows pool to the same up to float64 rounding."""
    found = row_statistics(rows)
    one, other = pool(found), pool(np.roll(found, turn, axis=0))
    assert (one.count, one.min, one.max) == (other.count, other.min, other.max)
    assert one.m2 == pytest.approx(other.m2, rel=1e-9, abs=1e-9)


@given(ROWS)
def test_a_single_row_is_its_own_pool(rows):
    """Pooling one row changes nothing."""
    for row in row_statistics(rows):
        pooled = pool(row[None])
        if pooled.count:
            assert [pooled.mean, pooled.m2, pooled.min, pooled.max] == row[1:5].tolist()
        assert len(row) == WIDTH
