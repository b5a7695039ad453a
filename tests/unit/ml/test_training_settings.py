"""Settings of a training run, the rate of a step, and the first weights."""

import math

import numpy as np
import pytest
from attrs import evolve

from ml.errors import BadOption
from ml.training.presets import PRESETS, find_preset, padded
from ml.training.settings import Settings, learning_rate
from ml.training.weights import count, initial, shapes

TINY = find_preset("tiny")
BASE = Settings(preset=TINY, vocabulary=256, steps=100, batch=2, sequence=32, warmup=10)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lr": 0.0}, "lr is 0.0"),
        ({"lr": math.nan}, "lr is nan"),
        ({"clip": -1.0}, "clip is -1.0"),
        ({"adam_epsilon": 0.0}, "adam_epsilon"),
        ({"beta1": 1.0}, "beta1 is 1.0"),
        ({"beta2": -0.1}, "beta2 is -0.1"),
        ({"min_lr": 1.0}, "over lr"),
        ({"min_lr": -1e-9}, "below 0"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"compute": "float16"}, "compute is 'float16'"),
    ],
)
def test_what_makes_no_sense_is_refused(change, says):
    """A rate, a beta or a type that cannot be is named."""
    with pytest.raises(BadOption, match=says):
        evolve(BASE, **change)


@pytest.mark.parametrize("name", ["steps", "batch", "accumulate", "sequence", "vocabulary"])
def test_counts_are_at_least_one(name):
    """A count of 0 is refused where it is made, and so is a fraction."""
    for wrong in (0, -1, 1.5):
        with pytest.raises((ValueError, TypeError)):
            evolve(BASE, **{name: wrong})


def test_all_that_is_wrong_is_said_at_once():
    """Two problems, one error."""
    with pytest.raises(BadOption) as caught:
        evolve(BASE, clip=0.0, beta1=2.0)
    assert "clip" in str(caught.value)
    assert "beta1" in str(caught.value)


def test_the_rate_goes_up_in_a_line_and_down_in_a_cosine():
    """Against the formula, written down again."""
    settings = evolve(BASE, lr=3e-3, min_lr=3e-4)
    for step in range(10):
        assert learning_rate(settings, step) == pytest.approx(3e-3 * (step + 1) / 10, rel=1e-15)
    for step in (10, 11, 54, 55, 98, 99):
        angle = math.pi * (step - 10) / 90
        expected = 3e-4 + (3e-3 - 3e-4) * (1 + math.cos(angle)) / 2
        assert learning_rate(settings, step) == pytest.approx(expected, rel=1e-14)
    assert learning_rate(settings, 55) == pytest.approx((3e-3 + 3e-4) / 2)
    assert learning_rate(settings, 500) == pytest.approx(3e-4)


def test_presets_have_the_sizes_they_are_named_for():
    """Heads divide the hidden size, and the largest is the model of the history."""
    for preset in PRESETS:
        assert preset.heads * preset.head_dim == preset.hidden
        assert preset.heads % preset.kv_heads == 0
    largest = find_preset("370m")
    rows = padded(50257)
    assert rows == 50304
    assert len(shapes(largest, rows)) == 218
    assert 318e6 < count(shapes(largest, rows)) - 0 < 374e6
    with pytest.raises(BadOption, match="no preset 'huge'"):
        find_preset("huge")


def test_first_weights_follow_from_the_seed_alone():
    """The same seed gives the same bytes, another other ones; norms are 1."""
    one, same = (initial(TINY, 256, 42) for _ in range(2))
    other = initial(TINY, 256, 43)
    assert list(one) == list(shapes(TINY, 256))
    for name, array in one.items():
        assert array.dtype == np.float32
        assert array.tobytes() == same[name].tobytes()
        if array.ndim == 1:
            assert (array == 1).all()
        else:
            assert array.tobytes() != other[name].tobytes()


def test_each_weight_has_a_stream_of_its_own():
    """The embedding is the same whatever the vocabulary, and no two matrices share numbers."""
    small, large = initial(TINY, 256, 1), initial(TINY, 320, 1)
    assert np.array_equal(large["token_embd.weight"][:256], small["token_embd.weight"])
    assert np.array_equal(large["blk.1.ffn_up.weight"], small["blk.1.ffn_up.weight"])
    matrices = [array.ravel()[:64] for array in small.values() if array.ndim == 2]
    found = {array.tobytes() for array in matrices}
    assert len(found) == len(matrices)


def test_products_into_the_residual_stream_begin_smaller():
    """By the root of twice the layers."""
    weights = initial(TINY, 256, 1)
    assert weights["blk.0.ffn_up.weight"].std() == pytest.approx(0.02, rel=0.05)
    assert weights["blk.0.ffn_down.weight"].std() == pytest.approx(0.01, rel=0.05)
    assert weights["blk.1.attn_output.weight"].std() == pytest.approx(0.01, rel=0.05)
