"""The arithmetic of floors and bisection, whatever the numbers are."""

import math

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from ml.bisection import Stage, first_culprit
from ml.distances import channel_distance, full_row_distances, lower_median
from ml.floors import LEAST, WINDOW, running_median, smoothed
from ml.one_operation import channel_distance as reproduced
from ml.passes import Score

distances = st.floats(0, 10, allow_subnormal=False)
series = st.lists(distances, min_size=1, max_size=40)


@given(series)
def test_a_running_median_is_the_median_of_an_odd_window(values):
    """Each is the middle of the values around it; the window is whole but towards the ends."""
    found = running_median(values)
    assert len(found) == len(values)
    for i, median in enumerate(found):
        reach = min(WINDOW // 2, i, len(values) - 1 - i)
        window = values[i - reach : i + reach + 1]
        assert len(window) % 2 == 1
        assert median == float(np.median(window))


@given(series)
def test_a_running_median_keeps_the_order_of_what_grows(values):
    """Distances that grow from layer to layer are their own running median."""
    grown = sorted(values)
    assert running_median(grown) == grown
    assert running_median(grown[::-1]) == grown[::-1]


@given(st.lists(distances, min_size=5, max_size=40), st.data())
def test_one_quiet_layer_is_raised_and_no_layer_is_lowered(values, data):
    """A floor is at least what was measured, 1e-6, and the running median."""
    measured = {("ffn_up", layer): value for layer, value in enumerate(values)}
    floors = smoothed(measured)
    assert list(floors) == list(measured)
    for (at, floor), median in zip(floors.items(), running_median(values), strict=True):
        assert floor == max(measured[at], median, LEAST)
    layer = data.draw(st.integers(2, len(values) - 3))
    flat = {**dict.fromkeys(measured, 1.0), ("ffn_up", layer): 0.0}
    assert smoothed(flat)["ffn_up", layer] == 1.0


@given(st.dictionaries(st.sampled_from(["embedding", "final_norm", "logits"]), distances))
def test_points_of_the_model_have_no_neighbours(measured):
    """A point that exists once is not smoothed."""
    places = {(name, None): value for name, value in measured.items()}
    assert smoothed(places) == {at: max(value, LEAST) for at, value in places.items()}


@given(series, st.data())
def test_layers_of_other_points_do_not_count(values, data):
    """The median runs over the layers of one kind of point, in the order of layers."""
    others = data.draw(st.lists(distances, min_size=len(values), max_size=len(values)))
    order = data.draw(st.permutations(range(len(values))))
    measured = {}
    for layer in order:
        measured["ffn_up", layer] = values[layer]
        measured["ffn_out", layer] = others[layer]
    floors = smoothed(measured)
    alone = smoothed({("ffn_up", layer): value for layer, value in enumerate(values)})
    assert {at: floor for at, floor in floors.items() if at[0] == "ffn_up"} == alone


def stage(number, local, limit, median=0.0, channel=0.0):
    """A stage with a local score and a limit."""
    return Stage(
        place=("output", number),
        inherited=Score(largest=1.0, median=1.0, row=0, channel=1.0),
        local=Score(largest=local, median=median, row=0, channel=channel),
        limit_largest=limit,
        limit_median=limit,
        limit_channel=limit,
    )


@given(st.lists(st.tuples(distances | st.just(math.inf), st.floats(1e-6, 10)), max_size=30))
def test_the_culprit_is_the_first_over_its_own_limit(scored):
    """Nothing before it is over, it is; with none over there is none."""
    stages = [stage(i, local, limit) for i, (local, limit) in enumerate(scored)]
    culprit = first_culprit(stages)
    over = [i for i, (local, limit) in enumerate(scored) if local > limit]
    assert (culprit and culprit.place[1]) == (over[0] if over else None)


@given(distances, distances, distances, st.floats(1e-6, 10))
def test_median_and_channel_count_too(largest, median, channel, limit):
    """A stage is over where any of the numbers is, and says which limit it crossed."""
    one = stage(0, max(largest, median), limit, median, channel)
    tight = evolve(one, limit_largest=one.local.largest)
    assert tight.is_over == (median > limit or channel > limit)
    if median > limit:
        assert tight.crossed == ("median", median, limit)
    elif channel > limit:
        assert tight.crossed == ("channel", channel, limit)
    else:
        assert tight.crossed == ("", one.local.largest, one.local.largest)


rows = st.integers(1, 6).flatmap(
    lambda count: st.lists(
        st.lists(st.floats(-100, 100, width=32, allow_subnormal=False), min_size=8, max_size=8),
        min_size=count,
        max_size=count,
    )
)


@given(rows, st.floats(0.01, 2))
def test_a_scaled_row_is_as_far_as_it_was_scaled(values, by):
    """rms(a - b·a) / rms(a) = |1 - b|, row by row; a row is at 0 from itself."""
    a = np.array(values, dtype=np.float32)
    b = (a.astype(np.float64) * (1 + by)).astype(np.float32)
    found = full_row_distances(a, b)
    zero = (a == 0).all(axis=1)
    assert np.allclose(found[~zero], by, rtol=1e-4)
    assert (found[zero] == 0).all()
    assert (full_row_distances(a, a) == 0).all()
    assert lower_median(found) in found


@given(rows, st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_what_is_not_finite_is_infinitely_far_from_what_is(values, bad, data):
    """On either side; and the other rows keep their distances."""
    a = np.array(values, dtype=np.float32)
    row = data.draw(st.integers(0, len(a) - 1))
    b = a.copy()
    b[row, 3] = bad
    for left, right in ((a, b), (b, a)):
        found = full_row_distances(left, right)
        assert math.isinf(found[row])
        assert (np.delete(found, row) == 0).all()
    assert (full_row_distances(b, b.copy()) == 0).all()


@given(st.integers(1, 5), st.integers(1, 12), st.integers(0, 2**32 - 1), st.floats(1e-3, 10))
def test_one_channel_that_differs(tokens, width, seed, change):
    """Its distance is that channel's, however many there are beside it; in a row it fades."""
    draw = np.random.default_rng(seed)
    one = draw.normal(size=(tokens, width)).astype(np.float32)
    other = one.copy()
    other[:, draw.integers(width)] += np.float32(change)
    found = channel_distance(one, other)
    true = np.sqrt(((one - other).astype(np.float64) ** 2).mean(axis=0).max())
    assert found == pytest.approx(true / np.sqrt((one.astype(np.float64) ** 2).mean()), rel=1e-6)
    whole = np.sqrt(((one - other).astype(np.float64) ** 2).mean())
    assert found >= whole / np.sqrt((one.astype(np.float64) ** 2).mean()) * 0.999
    assert channel_distance(one, one) == 0.0
    assert reproduced(one.astype(float), other.astype(float)) == pytest.approx(found, rel=1e-9)


def test_a_channel_that_is_not_finite():
    """Infinitely far, unless it is so on both sides."""
    one = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    for value in (np.nan, np.inf):
        other = one.copy()
        other[0, 1] = value
        assert channel_distance(one, other) == channel_distance(other, one) == math.inf
        assert channel_distance(other, other) == 0.0
    zeros = np.zeros_like(one)
    assert channel_distance(zeros, one) == math.inf
