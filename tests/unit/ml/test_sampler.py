"""Samplers: greedy, the steps in their order, draws that are the same for ever."""

import numpy as np
import pytest

from ml.errors import BadOption
from ml.generation import GREEDY, Temperature, TopK, TopP, make_sampler
from ml.generation.sampler import drawn, uniform

LOGITS = np.array([1.0, 3.0, 2.0, 3.0, -1.0], dtype=np.float32)


def kept(log_odds):
    """The ids that can still be drawn."""
    return np.flatnonzero(np.isfinite(log_odds)).tolist()


def test_greedy_takes_the_lowest_of_equals():
    """And NaN counts for nothing."""
    assert GREEDY.choose(LOGITS, 0) == 1
    assert GREEDY.choose(np.array([np.nan, 0, np.nan], dtype=np.float32), 0) == 1
    assert make_sampler() is GREEDY


def test_top_k_keeps_exactly_k():
    """Of equal ones those with the lowest ids."""
    odds = LOGITS.astype(np.float64)
    assert kept(TopK(1).apply(odds)) == [1]
    assert kept(TopK(3).apply(odds)) == [1, 2, 3]
    assert kept(TopK(99).apply(odds)) == [0, 1, 2, 3, 4]


def test_top_p_keeps_the_fewest_that_suffice():
    """Shares of a half, a quarter, and two eighths."""
    odds = np.log(np.array([0.125, 0.5, 0.25, 0.125]))
    assert kept(TopP(0.4).apply(odds)) == [1]
    assert kept(TopP(0.5).apply(odds)) == [1]
    assert kept(TopP(0.51).apply(odds)) == [1, 2]
    assert kept(TopP(0.8).apply(odds)) == [0, 1, 2]
    assert kept(TopP(1e-9).apply(odds)) == [1]


def test_a_tiny_temperature_is_greedy_without_overflow():
    """Infinities downwards only."""
    odds = Temperature(1e-300).apply(np.array([1e30, 2e30, -1e30]))
    assert odds.tolist() == [-np.inf, 0.0, -np.inf]


def test_temperature_comes_first():
    """A flat temperature lets top-p keep more than it would alone."""
    flat = make_sampler(temperature=100.0, top_p=0.7)
    sharp = make_sampler(temperature=0.1, top_p=0.7)
    assert len(kept(flat.log_odds(LOGITS))) == 4
    assert len(kept(sharp.log_odds(LOGITS))) == 2


def test_draws_are_a_function_of_seed_and_place():
    """The first numbers of Philox, which no version of numpy may change."""
    assert [uniform(0, draw) for draw in range(3)] == [
        0.011546754286331562, 0.5023796042735054, 0.25382274039248487,
    ]  # fmt: skip
    sampler = make_sampler(temperature=1.0, seed=7)
    once = [sampler.choose(LOGITS, draw) for draw in range(50)]
    assert once == [sampler.choose(LOGITS, draw) for draw in range(50)]
    assert once != [make_sampler(temperature=1.0, seed=8).choose(LOGITS, d) for d in range(50)]


def test_draws_follow_the_probabilities():
    """Four thousand draws, within four standard deviations each."""
    sampler = make_sampler(temperature=1.0, seed=3)
    counts = np.bincount([sampler.choose(LOGITS, draw) for draw in range(4000)], minlength=5)
    shares = np.exp(LOGITS - LOGITS.max()) / np.exp(LOGITS - LOGITS.max()).sum()
    deviation = np.sqrt(4000 * shares * (1 - shares))
    assert (np.abs(counts - 4000 * shares) < 4 * deviation).all()


def test_a_number_falls_into_its_share():
    """Laid end to end by id; what is impossible is never drawn."""
    odds = np.log(np.array([0.25, 1e-300, 0.75]))
    odds[1] = -np.inf
    assert [drawn(odds, number) for number in (0.0, 0.2499, 0.25, 0.999999)] == [0, 0, 2, 2]
    assert drawn(np.full(3, -np.inf), 0.5) == 0


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers(odd):
    """NaN is never drawn, plus infinity always, minus infinity never."""
    logits = np.array([0.0, odd, 0.0], dtype=np.float32)
    sampler = make_sampler(temperature=1.0, top_k=2, top_p=0.9)
    found = {sampler.choose(logits, draw) for draw in range(64)}
    assert found == ({1} if odd == np.inf else {0, 2})


def test_options_that_make_no_sense():
    """All of them are told at once."""
    with pytest.raises(BadOption, match=r"temperature -1.*top-k -1.*top-p 0.*seed -1"):
        make_sampler(temperature=-1, top_k=-1, top_p=0, seed=-1)
    for wrong in ({"temperature": float("nan")}, {"top_p": 1.5}, {"seed": 1 << 64}):
        with pytest.raises(BadOption):
            make_sampler(**wrong)
