"""The stated RoPE rule, against an implementation that shares nothing with it."""

import math

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import rope
from ml.architectures import open_model
from ml.architectures.rope_scaling import RopeScaling
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


def test_linear_scaling_is_the_same_angles_later():
    """With factor 4 position 4 has the angles that position 1 has without."""
    scaling = RopeScaling(kind="linear", factor=4.0)
    scaled = rope.tables(np.array([4, 40]), 32, 1e4, scaling)
    plain = rope.tables(np.array([1, 10]), 32, 1e4)
    assert np.array_equal(scaled, plain)


def test_llama3_as_counted_by_hand():
    """Llama 3.1: 29 pairs are fast, 29 slow, six between; the one in the middle worked out.

    Pair i of 64 has the wavelength 2π·500000^(i/64): it is under 8192 / 4 up to i = 28, over 8192
    from i = 35. Pair 32: 2π·√500000 = 4442.88, m = (8192 / 4442.88 - 1) / 3 = 0.281283,
    r = 1 / (0.718717 / 8 + 0.281283) = 2.69453.
    """
    scaling = RopeScaling(
        kind="llama3",
        factor=8.0,
        original_context=8192,
        low_frequency=1.0,
        high_frequency=4.0,
    )
    ratio = rope.frequencies(128, 5e5) / rope.frequencies(128, 5e5, scaling)
    assert np.allclose(ratio[:29], 1.0, rtol=1e-12)
    assert np.allclose(ratio[35:], 8.0, rtol=1e-12)
    assert ((ratio[29:35] > 1.0) & (ratio[29:35] < 8.0)).all()
    assert ratio[32] == pytest.approx(2.69453, rel=1e-5)
    assert (np.diff(ratio) >= 0).all()


def test_yarn_as_worked_out_by_hand():
    """Qwen2.5's: pairs up to 23 keep their frequency, from 40 on it is a quarter.

    c(32) = 128·ln(32768 / (64π)) / (2·ln 10⁶) = 23.60, c(1) = 39.65. Pair 31 lies 8 of 17 steps
    between 23 and 40: 8/17 of a quarter and 9/17 of the whole are 11/17.
    """
    scaling = RopeScaling(kind="yarn", factor=4.0, original_context=32768)
    ratio = rope.frequencies(128, 1e6, scaling) / rope.frequencies(128, 1e6)
    assert np.allclose(ratio[:24], 1.0, rtol=1e-12)
    assert np.allclose(ratio[40:], 0.25, rtol=1e-12)
    assert ratio[31] == pytest.approx(11 / 17, rel=1e-12)
    assert rope.magnitude(scaling) == pytest.approx(1.1386294361, rel=1e-10)
    cos, sin = rope.tables(np.array([0]), 128, 1e6, scaling)
    assert np.array_equal(cos[0], np.full(64, np.float32(1.1386294361)))
    assert np.array_equal(sin[0], np.zeros(64, np.float32))


def test_a_stated_magnitude_counts():
    """Instead of the one that follows, or times it."""
    stated = RopeScaling(kind="yarn", factor=4.0, original_context=64, magnitude=1.25)
    times = RopeScaling(kind="yarn", factor=4.0, original_context=64, magnitude_factor=2.0)
    assert rope.magnitude(stated) == 1.25
    assert rope.magnitude(times) == pytest.approx(2 * 1.1386294361)
    assert rope.magnitude(RopeScaling(kind="linear", factor=4.0)) == 1.0


positive = st.floats(0.5, 64.0, width=32)


@st.composite
def scalings(draw):
    """Any scaling of a head of dimension 16."""
    kind = draw(st.sampled_from(["none", "linear", "llama3", "yarn", "factors"]))
    low = draw(st.floats(0.25, 4.0, width=32))
    return RopeScaling(
        kind=kind,
        factor=draw(positive),
        original_context=draw(st.integers(1, 1 << 20)),
        low_frequency=low,
        high_frequency=low + draw(positive),
        beta_slow=low,
        beta_fast=low + draw(positive),
        magnitude_factor=draw(positive),
        magnitude=draw(st.none() | positive),
        factors=tuple(draw(st.lists(positive, min_size=8, max_size=8))),
    )


@given(scaling=scalings(), theta=st.floats(2.0, 1e7), first=st.integers(0, 5000))
@settings(max_examples=200, deadline=None)
def test_the_reference_reads_every_scaling_alike(scaling, theta, first):
    """Two readings of one rule: cos and sin differ by roundings of an angle at the most."""
    head = np.array([[1.0] * 8 + [0.0] * 8] * 3)
    turned = rotate(head, 16, theta, first=first, scaling=scaling)
    cos, sin = rope.tables(np.arange(first, first + 3), 16, theta, scaling)
    size = max(1.0, rope.magnitude(scaling))
    assert np.abs(turned[:, :8] - cos).max() <= 1e-6 * size
    assert np.abs(turned[:, 8:] - sin).max() <= 1e-6 * size


def test_the_path_says_the_scaling(tiny4):
    """No two scalings have one name; factors are named by their digest, from wherever they came."""
    config = open_model(tiny4).config
    assert rope.rule(config) == rope.RULE
    llama3 = RopeScaling(kind="llama3", factor=8.0, original_context=64)
    worked_out = rope.frequencies(64, 1e6) / rope.frequencies(64, 1e6, llama3)
    named = {
        scaling.kind: rope.rule(evolve(config, rope_scaling=scaling))
        for scaling in (
            RopeScaling(kind="linear", factor=4.0),
            RopeScaling(kind="yarn", factor=4.0, original_context=64),
            llama3,
            RopeScaling(kind="factors", factors=tuple(np.float32(worked_out).tolist())),
        )
    }
    assert named["linear"] == f"{rope.RULE}; linear scaling, factor 4"
    assert named["llama3"] == named["factors"]
    assert "frequencies divided by 32 factors, sha256 " in named["llama3"]
    assert "YaRN, factor 4, original context 64, 32 to 1 turns" in named["yarn"]
    assert len(set(named.values())) == 3
