"""The stated RoPE rule, against an implementation that shares nothing with it."""

import math

import numpy as np
import pytest

from ml import rope
from ml.engines.reference import rotate


def test_tables_follow_the_rule():
    """float64 angles, rounded once to float32; far positions and large bases too."""
    positions = np.array([0, 1, 77, 32767], dtype=np.int64)
    cos, sin = rope.tables(positions, 64, 1e6)
    assert cos.dtype == sin.dtype == np.float32
    assert cos.shape == sin.shape == (4, 32)
    for row, position in enumerate(positions):
        for pair in range(32):
            angle = int(position) * 1e6 ** (-2 * pair / 64)
            assert cos[row, pair] == pytest.approx(math.cos(angle), abs=6e-8)
            assert sin[row, pair] == pytest.approx(math.sin(angle), abs=6e-8)


def test_the_reference_reads_the_rule_alike():
    """Rotating unit vectors gives the tables back, pair by pair."""
    tokens, head_dim = 9, 16
    first = np.zeros((tokens, head_dim))
    first[:, : head_dim // 2] = 1.0
    turned = rotate(np.concatenate([first, first], axis=1), head_dim, 1e4)
    cos, sin = rope.tables(np.arange(tokens), head_dim, 1e4)
    for head in (turned[:, :head_dim], turned[:, head_dim:]):
        assert np.abs(head[:, : head_dim // 2] - cos).max() <= 1.2e-7
        assert np.abs(head[:, head_dim // 2 :] - sin).max() <= 1.2e-7
