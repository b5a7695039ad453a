"""The self-check's arithmetic: where two passes part, and which argmax is decided."""

import numpy as np
import pytest

from ml.architectures import open_model
from ml.devices import resolve_host
from ml.engines import Capture, EngineResult, Request
from ml.engines.base import most_likely
from ml.errors import MlError
from ml.points import BY_ID
from ml.self_check import BARS, compare, self_check


@pytest.fixture
def request_of(tiny4):
    """Make a request for the numpy engine."""

    def make(kv="f32"):
        return Request(
            model=open_model(tiny4),
            ids=(1, 2, 3),
            kv=kv,
            points=frozenset(BY_ID),
            device=resolve_host("cpu"),
        )

    return make


def result(**tensors):
    """A result with full activations: points of layer 0, then logits."""
    captures = tuple(
        Capture(
            point=BY_ID[name],
            layer=None if name == "logits" else 0,
            width=tensor.shape[1],
            rows=None,
            tensor=tensor.astype(np.float32),
        )
        for name, tensor in tensors.items()
    )
    return EngineResult(captures=captures, logits=captures[-1].tensor[-1], device="cpu")


def changed(tensor, row, factor):
    """The tensor with one row scaled."""
    copy = tensor.copy()
    copy[row] *= factor
    return copy


RANDOM = np.random.default_rng(3)
MIX, OUT, LOGITS = (RANDOM.standard_normal((3, 8)) for _ in range(3))


def test_equal_results_agree(request_of):
    """At no distance, with the prefill's argmax."""
    one = result(attn_mix=MIX, attn_out=OUT, logits=LOGITS)
    checked = compare(request_of(), one, one)
    assert checked.agrees
    assert checked.first_over is None
    assert [(p.point, p.distance) for p in checked.points] == [
        ("attn_mix", 0.0),
        ("attn_out", 0.0),
        ("logits", 0.0),
    ]
    assert checked.argmax == LOGITS[-1].astype(np.float32).argmax()


def test_the_first_point_over_the_bar_is_named(request_of):
    """Row and distance; what comes behind is further away, and not the first."""
    one = result(attn_mix=MIX, attn_out=OUT, logits=LOGITS)
    other = result(attn_mix=MIX, attn_out=changed(OUT, 1, 1.01), logits=changed(LOGITS, 2, 1.5))
    checked = compare(request_of(), one, other)
    assert not checked.agrees
    assert (checked.first_over.point, checked.first_over.row) == ("attn_out", 1)
    assert checked.first_over.distance == pytest.approx(0.01, rel=1e-4)
    assert (checked.largest.point, checked.largest.row) == ("logits", 2)
    assert checked.argmax_differences == ()


@pytest.mark.parametrize(("kv", "agrees"), [("f32", False), ("f16", True)])
def test_the_bar_follows_the_cache(request_of, kv, agrees):
    """A thousandth is what halves explain, and float32 does not."""
    one = result(attn_mix=MIX, logits=LOGITS)
    checked = compare(request_of(kv), one, result(attn_mix=MIX * 1.001, logits=LOGITS))
    assert checked.agrees is agrees
    assert checked.bar == BARS["none", kv]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_never_agrees(request_of, value):
    """On one side alone it is infinitely far; on both sides alike it is the same."""
    one, other = (result(attn_mix=changed(MIX, 1, f), logits=LOGITS) for f in (1.0, value))
    assert compare(request_of(), one, other).first_over.distance == np.inf
    assert compare(request_of(), other, other).agrees


def test_another_argmax_counts_unless_it_is_a_near_tie(request_of):
    """A margin of at most twice the largest difference there is no decision."""
    near = np.array([[1.0, 1.0 + 1e-6, 0.0], [0.0, 0.0, 2.0], [3.0, 0.0, 1.0]])
    swapped = near.copy()
    swapped[0] = [1.0 + 2e-6, 1.0, 0.0]
    checked = compare(request_of(), result(logits=near), result(logits=swapped))
    (difference,) = checked.argmax_differences
    assert (difference.position, difference.prefill, difference.one_by_one) == (0, 1, 0)
    assert difference.is_near_tie
    assert checked.agrees
    far = near.copy()
    far[1] = [2.5, 0.0, 2.0]
    checked = compare(request_of(), result(logits=near), result(logits=far))
    assert [(d.position, d.margin) for d in checked.argmax_differences] == [(1, 2.0)]
    assert not checked.agrees


def test_the_numpy_engine_passes_its_own_check(tiny4):
    """All points, and those that were asked for with the logits; what is wrong is said as such."""
    assert len(self_check(tiny4, [319, 75, 75], engine="numpy").points) == 83
    few = self_check(tiny4, [319, 75, 75], engine="numpy", points=["attn_mix"], kv="f16")
    assert [p.point for p in few.points] == ["attn_mix"] * 4 + ["logits"]
    assert few.agrees
    for options in ({"engine": "odd"}, {"kv": "f8"}, {"points": ["odd"]}):
        with pytest.raises(MlError):
            self_check(tiny4, [1], **{"engine": "numpy", **options})


def test_of_equal_logits_the_lowest_id_is_the_most_likely():
    """NaN counts for nothing, not even among nothing else."""
    for logits, wanted in (
        ([1.0, 3.0, 3.0], 1),
        ([np.nan, 0.0, 1.0], 2),
        ([np.nan, np.nan], 0),
        ([-np.inf, np.inf, np.inf], 1),
    ):
        assert most_likely(np.array(logits, dtype=np.float32)) == wanted
