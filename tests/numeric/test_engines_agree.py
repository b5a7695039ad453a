"""Engine a and the numpy reference, which share no arithmetic, agree at every point and layer."""

import numpy as np
import pytest

from ml.points import ALL_POINTS, in_order
from ml.tracing import trace

MODELS = ("f16", "Q8_0", "Q4_K_M")


def distance(a, b):
    """Rms of the element-wise difference over the std of b."""
    difference = a.astype(np.float64) - b.astype(np.float64)
    return float(np.sqrt((difference**2).mean()) / b.astype(np.float64).std())


@pytest.mark.parametrize("model", MODELS)
def test_activations_agree_within_1e5_of_the_std(traced, model):
    """Every point of every layer, f32 cache: issue 2 asks for 1e-5; about 2e-6 is reached."""
    a, numpy = traced(model, "a", "f32"), traced(model, "numpy", "f32")
    assert list(a.tensors) == [(p.id, layer) for p, layer in in_order(ALL_POINTS, 4)]
    distances = {key: distance(a.tensors[key], numpy.tensors[key]) for key in a.tensors}
    worst = max(distances, key=distances.__getitem__)
    assert distances[worst] <= 1e-5, (worst, distances[worst])


def test_a_long_prompt_agrees_too(reference):
    """128 tokens, so that softmax sums are long and rows are sampled."""
    ids = [(i * 37 + i * i) % 512 for i in range(128)]
    model = reference / "tiny4-f16.gguf"
    a, numpy = (
        trace(model, ids, engine=engine, device="cpu", keep_tensors=True)
        for engine in ("a", "numpy")
    )
    distances = {key: distance(a.tensors[key], numpy.tensors[key]) for key in a.tensors}
    assert max(distances.values()) <= 1e-5
    assert len(a.kept_rows) == 64


def test_the_f16_cache_is_alike(traced):
    """K and V rounded to f16 by both: one unit of f16 wherever a value lies between two halves.

    tinygrad folds a cast to f16 and back into nothing, so engine a has to write its cache out; with
    an f32 cache in its place the mix of layer 0 is 3e-4 off, and 3e-6 with the right one.
    """
    a, numpy = traced("f16", "a", "f16"), traced("f16", "numpy", "f16")
    distances = {key: distance(a.tensors[key], numpy.tensors[key]) for key in a.tensors}
    assert distances["attn_mix", 0] <= 1e-5
    assert max(distances.values()) <= 1e-4
    unrounded = traced("f16", "a", "f32").tensors["attn_mix", 0]
    assert distance(unrounded, numpy.tensors["attn_mix", 0]) > 1e-4


@pytest.mark.parametrize("model", MODELS)
def test_statistics_from_the_device_agree(traced, model):
    """Ten columns and 64 lanes computed in tinygrad, against the numpy reference of both."""
    a, numpy = traced(model, "a", "f32"), traced(model, "numpy", "f32")
    for ours, theirs in zip(a.points, numpy.points, strict=True):
        assert (ours.point, ours.layer, ours.width) == (theirs.point, theirs.layer, theirs.width)
        for one, other in ((ours.all, theirs.all), (ours.last, theirs.last)):
            assert one.count == other.count
            assert one.inf_count == one.nan_count == other.inf_count == other.nan_count == 0
            assert one.zero_count == other.zero_count
            assert one.mean == pytest.approx(other.mean, abs=1e-5 * other.rms)
            assert one.std == pytest.approx(other.std, rel=1e-5)
            assert one.abs_sum == pytest.approx(other.abs_sum, rel=1e-5)
            assert one.min == pytest.approx(other.min, abs=1e-4 * other.rms)
            assert one.max == pytest.approx(other.max, abs=1e-4 * other.rms)


def test_every_weight_decodes_alike(reference):
    """The decoders of tinygrad and ours, tensor by tensor: equal up to one rounding of an fma."""
    from ml.architectures import open_model
    from ml.devices import resolve
    from ml.engines import Request
    from ml.engines.dequantised_weights import load_weights
    from ml.engines.reference import weight
    from ml.tinygrad_devices import fixed_settings

    for name in MODELS:
        model = open_model(reference / f"tiny4-{name}.gguf")
        request = Request(model=model, ids=(0,), kv="f32", points=ALL_POINTS, device=resolve("cpu"))
        with fixed_settings("CPU"):
            loaded = load_weights(request, "CPU")
            for tensor, on_device in loaded.items():
                ours = weight(model, tensor)
                scale = np.abs(ours).max()
                assert np.abs(on_device.numpy() - ours).max() <= 3e-7 * scale, tensor
