"""What the sketch promises: linear, a function of the channel alone, and a distance estimate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.sketch import channel_lanes, channel_signs, sketch

SEEDS = st.integers(0, 2**32 - 1)
WIDTHS = st.integers(1, 400)


def row(seed, width):
    """A row of normal numbers."""
    return np.random.default_rng(seed).standard_normal((1, width)).astype(np.float32)


@given(SEEDS, SEEDS, WIDTHS)
def test_linear(one, other, width):
    """sketch(a + b) = sketch(a) + sketch(b): what audit checks of a residual."""
    a, b = row(one, width), row(other, width)
    total = sketch(a + b).astype(np.float64)
    parts = sketch(a).astype(np.float64) + sketch(b)
    assert np.abs(total - parts).max() <= 1e-6 * (np.abs(a).sum() + np.abs(b).sum())


@given(SEEDS, WIDTHS, st.integers(0, 200))
def test_width_does_not_matter(seed, width, more):
    """Zeros appended change nothing; sign and lane depend on the channel alone."""
    a = row(seed, width)
    wider = np.concatenate([a, np.zeros((1, more), np.float32)], axis=1)
    assert np.array_equal(sketch(a), sketch(wider))
    assert np.array_equal(channel_signs(width + more)[:width], channel_signs(width))
    assert np.array_equal(channel_lanes(width + more)[:width], channel_lanes(width))


@given(SEEDS, WIDTHS, st.integers(-20, 20))
def test_scaling_by_powers_of_two_is_exact(seed, width, power):
    """No rounding hides in it."""
    a = row(seed, width)
    assert np.array_equal(sketch(a * np.float32(2.0**power)), sketch(a) * np.float32(2.0**power))


@pytest.mark.parametrize("width", [256, 896, 4864])
@pytest.mark.parametrize("scale", [1e-4, 1e-1])
def test_the_distance_estimate(width, scale):
    """Within ±18 % of the true rms distance for 95 of 100 rows, over 2,000 rows."""
    rng = np.random.default_rng(width)
    a = rng.standard_normal((2000, width)).astype(np.float32)
    b = (a + scale * rng.standard_normal((2000, width))).astype(np.float32)
    true = np.sqrt(((a.astype(np.float64) - b) ** 2).sum(axis=1))
    estimated = np.sqrt(((sketch(a).astype(np.float64) - sketch(b)) ** 2).sum(axis=1))
    assert (np.abs(estimated / true - 1) <= 0.18).mean() >= 0.95
    assert np.median(estimated / true) == pytest.approx(1, abs=0.02)
