"""On a CUDA card: the numbers of the CPU, and the device observed."""

import numpy as np
import pytest

from ml.comparison import TraceData, compare
from ml.devices import resolve
from ml.errors import DeviceUnavailable
from ml.points import ALL_POINTS
from ml.self_check import self_check
from ml.tracing import trace

PROMPT = (319, 75, 75, 78, 220, 272, 68)


@pytest.fixture(scope="module")
def card():
    """A CUDA device, or a skip with tinygrad's reason."""
    try:
        return resolve("cuda")
    except DeviceUnavailable as error:
        pytest.skip(f"no CUDA card: {error}")


@pytest.mark.gpu
@pytest.mark.parametrize("model", ["f16", "Q8_0", "Q4_K_M"])
def test_cuda_agrees_with_numpy(card, reference, model):
    """The same bar as on the CPU: 1e-5 of the std at every point and layer."""
    options = {"points": ALL_POINTS, "keep_tensors": True}
    path = reference / f"tiny4-{model}.gguf"
    ours = trace(path, PROMPT, engine="a", device="cuda", **options)
    theirs = trace(path, PROMPT, engine="numpy", device="cpu", **options)
    assert ours.path["device"] == ours.environment["device_observed"] == card.observed == "cuda:0"
    for key, tensor in theirs.tensors.items():
        difference = ours.tensors[key].astype(np.float64) - tensor
        assert np.sqrt((difference**2).mean()) <= 1e-5 * tensor.std(), key
    compared = compare(TraceData.of(ours), TraceData.of(theirs), threshold=1e-5)
    assert compared.first_divergence is None
    assert "device" in {difference.name for difference in compared.path_differences}


@pytest.mark.gpu
@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("model", ["Q8_0", "Q4_K_M"])
def test_the_integer_path_on_cuda(reference, model):
    """Engine b: the same bar as engine a (quantised activations: test_engine_b.py)."""
    options = {"points": ALL_POINTS, "keep_tensors": True}
    path = reference / f"tiny4-{model}.gguf"
    theirs = trace(path, PROMPT, engine="numpy", device="cpu", **options)
    plain = trace(path, PROMPT, engine="b", device="cuda", **options)
    for key, tensor in theirs.tensors.items():
        difference = plain.tensors[key].astype(np.float64) - tensor
        assert np.sqrt((difference**2).mean()) <= 1e-5 * tensor.std(), key


@pytest.mark.gpu
@pytest.mark.usefixtures("card")
def test_traced_and_plain_are_bit_equal_on_cuda(reference):
    """As on the CPU."""
    from ml.architectures import open_model
    from ml.tracing import run

    model = open_model(reference / "tiny4-f16.gguf")
    passes = [
        run(model, PROMPT, engine="a", device="cuda", kv="f32", points=None, statistics=statistics)[
            1
        ].logits.tobytes()
        for statistics in (True, False)
    ]
    assert passes[0] == passes[1]


@pytest.mark.gpu
@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("kv", ["f32", "f16"])
@pytest.mark.parametrize(
    ("model", "engine", "activation"),
    [("f16", "a", "none"), ("Q8_0", "b", "none"), ("Q4_K_M", "b", "q8")],
)
def test_one_by_one_is_the_prefill_on_cuda(reference, model, engine, activation, kv):
    """The self-check, over 64 tokens and all points."""
    checked = self_check(
        reference / f"tiny4-{model}.gguf",
        [(i * 37 + i * i) % 512 for i in range(64)],
        engine=engine,
        device="cuda",
        kv=kv,
        activation=activation,
    )
    assert checked.agrees, (checked.largest, checked.bar, checked.argmax_differences)
