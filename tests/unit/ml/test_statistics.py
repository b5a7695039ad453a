"""Statistics of rows at their edges; pooling is in tests/properties."""

import numpy as np
import pytest

from ml.statistics import COLUMNS, WIDTH, Statistics, pool, row_statistics


def rows(*values):
    """Rows of equal width as float32."""
    return np.array(values, dtype=np.float32)


def test_columns_are_in_their_fixed_order():
    """The order is part of the blob's layout, and `Statistics` has the same."""
    expected = "count mean m2 min max abs_sum nan_count pos_inf_count neg_inf_count zero_count"
    assert tuple(expected.split()) == COLUMNS
    assert tuple(a.name for a in Statistics.__attrs_attrs__) == COLUMNS
    assert WIDTH == 10


def test_a_row_by_hand():
    """Zeros count among finite values; the infinities and NaN do not."""
    row = rows([1, -3, 0, -0.0, np.nan, np.inf, np.inf, -np.inf])
    assert row_statistics(row)[0].tolist() == [4, -0.5, 9, -3, 1, 4, 1, 2, 1, 2]


def test_a_row_without_finite_values():
    """Undefined columns are 0, so that nothing in a blob's statistics is NaN."""
    found = row_statistics(rows([np.nan, np.inf, -np.inf]))
    assert found[0].tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1, 0]
    pooled = pool(found)
    assert (pooled.count, pooled.std, pooled.rms, pooled.inf_count) == (0, 0.0, 0.0, 2)


def test_it_does_not_disturb_the_rows_it_is_pooled_with():
    """Its zeros are no minimum of the others."""
    found = row_statistics(rows([5, 7], [np.nan, np.nan]))
    assert (pool(found).min, pool(found).max, pool(found).mean) == (5, 7, 6)


def test_width_one():
    """One value has no sample std; its row std is 0."""
    found = row_statistics(rows([3], [5]))
    assert found[:, 2].tolist() == [0, 0]
    assert pool(found[:1]).std == 0
    assert pool(found).std == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize("scale", [1e3, 1e6])
def test_a_massive_row_leaves_the_others_alone(scale):
    """An activation of 1,000 in the first token: with one pivot another row was 18 times off."""
    rng = np.random.default_rng(1)
    values = rng.standard_normal((8, 512)).astype(np.float32)
    values[0, :] += np.float32(scale)
    found = row_statistics(values)
    for row, direct in zip(found, values.astype(np.float64), strict=True):
        assert pool(row[None]).std == pytest.approx(direct.std(ddof=1), rel=1e-5)
    assert pool(found).std == pytest.approx(values.astype(np.float64).std(ddof=1), rel=1e-6)


def test_m2_beyond_float32_is_infinite():
    """Stated, not hidden: 1e20 squared does not fit."""
    assert row_statistics(rows([1e20, -1e20]))[0, 2] == np.inf
