"""Sketch v1 against its vectors, and against its statement written out channel by channel."""

import json
from pathlib import Path

import numpy as np
import pytest

from ml.sketch import LANES, channel_lanes, channel_signs, fmix32, lane_order, sketch

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "ml" / "sketch_v1.json").read_text(encoding="utf-8")
)


def plain_fmix32(h):
    """MurmurHash3's finaliser in Python's integers."""
    h ^= h >> 16
    h = h * 0x85EBCA6B % 2**32
    h ^= h >> 13
    h = h * 0xC2B2AE35 % 2**32
    return h ^ h >> 16


def plain_sketch(row):
    """The statement of spec/formats/sketch.md, channel by channel, in float64."""
    lanes = [0.0] * LANES
    for i, value in enumerate(row):
        sign = -1 if plain_fmix32((i + 0x9E3779B9) % 2**32) % 2 else 1
        turn = plain_fmix32((i // 64 + 0x85EBCA6B) % 2**32) >> 8
        lanes[(i + turn) % 64] += sign * float(value)
    return np.array(lanes)


def test_fmix32_vectors():
    """Values of the finaliser."""
    for given, hashed in VECTORS["fmix32"]:
        assert plain_fmix32(given) == hashed
        assert fmix32(np.array([given], dtype=np.uint32))[0] == hashed


def test_channel_vectors():
    """Sign and lane of channels, near and far."""
    width = 1 + max(channel for channel, _, _ in VECTORS["channels"])
    signs, lanes = channel_signs(width), channel_lanes(width)
    for channel, sign, lane in VECTORS["channels"]:
        assert (signs[channel], lanes[channel]) == (sign, lane)


@pytest.mark.parametrize("vector", VECTORS["rows"], ids=lambda vector: vector["name"])
def test_row_vectors(vector):
    """Whole rows, exact up to float32 rounding of the sums."""
    row = np.array(vector["row"], dtype=np.float32)
    expected = np.array(vector["sketch"])
    reached = sketch(row[None])[0]
    assert np.abs(reached - expected).max() <= 1e-6 * np.abs(row).sum()
    assert np.allclose(plain_sketch(row), expected, rtol=1e-6, atol=1e-6 * np.abs(row).sum())


def test_a_row_that_is_not_finite_has_no_sketch():
    """And the rows beside it are not touched."""
    rows = np.ones((4, 70), dtype=np.float32)
    rows[1, 3], rows[2, 69] = np.nan, -np.inf
    sketched = sketch(rows)
    assert np.isnan(sketched[1]).all()
    assert np.isnan(sketched[2]).all()
    assert np.array_equal(sketched[0], sketched[3])
    assert np.isfinite(sketched[0]).all()


@pytest.mark.parametrize("width", [1, 63, 64, 65, 896])
def test_every_block_fills_each_lane_once(width):
    """What makes it a permutation, a sign and a sum."""
    channels, signs = lane_order(width)
    used = channels[signs != 0]
    assert sorted(used) == list(range(width))
    assert len(channels) % LANES == 0
