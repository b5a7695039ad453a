"""Engine b: the integer path as a whole, against llama.cpp's numbers and the numpy reference."""

import json

import numpy as np
import pytest

from ml.architectures import open_model
from ml.devices import resolve
from ml.errors import DeviceUnavailable, UnsupportedQuantType
from ml.points import ALL_POINTS
from ml.tracing import run, trace

MODELS = ("Q8_0", "Q4_K_M")
PROMPT = (319, 75, 75, 78, 220, 272, 68)
# (name, op) of llama.cpp's nodes -> point, for what stands before the first cache and attention.
FIRST_LAYER = {
    ("Qcur-0", "MUL_MAT"): "q_matmul",
    ("Kcur-0", "MUL_MAT"): "k_matmul",
    ("Vcur-0", "MUL_MAT"): "v_matmul",
    ("Qcur-0", "ADD"): "q_bias",
    ("Kcur-0", "ADD"): "k_bias",
    ("Vcur-0", "ADD"): "v_bias",
    ("Qcur-0", "ROPE"): "q_rope",
    ("Kcur-0", "ROPE"): "k_rope",
}


def first_layer(reference, model, trace):
    """Yield (point, our values where llama.cpp prints, its values, its sum, our tensor)."""
    nodes = json.loads((reference / f"tiny4-{model}.llama_cpp_nodes.json").read_text())
    for node in nodes:
        point = FIRST_LAYER.get((node["name"], node["op"]))
        if point is None:
            continue
        ours = trace.tensors[point, 0].astype(np.float64)
        shaped = ours.reshape([int(extent) for extent in node["shape"].split(",")][::-1])
        ends = [range(n) if n <= 6 else (0, 1, 2, n - 3, n - 2, n - 1) for n in shaped.shape]
        printed = shaped[np.ix_(*ends)].reshape(-1, len(ends[3]))
        yield point, printed, np.array(node["vals"]), node["sum"], ours


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_first_layer_qkv_are_llama_cpps(reference, traced, model):
    """Issue 5: within 1e-4 of the std; what is reached is the four decimals that it prints."""
    check_first_layer(reference, model, traced(model, "b", "f16", "q8"))


@pytest.mark.gpu
@pytest.mark.parametrize("model", MODELS)
def test_first_layer_qkv_are_llama_cpps_on_cuda(reference, model):
    """The same bars on a card: quotients and roundings are those of the CPU."""
    try:
        resolve("cuda")
    except DeviceUnavailable as error:
        pytest.skip(f"no CUDA card: {error}")
    on_card = trace(
        reference / f"tiny4-{model}.gguf",
        PROMPT,
        engine="b",
        device="cuda",
        kv="f16",
        activation="q8",
        points=ALL_POINTS,
        keep_tensors=True,
    )
    check_first_layer(reference, model, on_card)


def check_first_layer(reference, model, trace):
    """Every point of the first layer that llama.cpp prints before its cache."""
    met = set()
    for point, printed, theirs, their_sum, ours in first_layer(reference, model, trace):
        assert np.abs(printed - theirs).max() <= 1e-4 * ours.std(), point
        assert abs(ours.sum() - their_sum) <= 1e-6 * np.abs(ours).sum(), point
        met.add(point)
    assert met == set(FIRST_LAYER.values())


@pytest.mark.parametrize("model", MODELS)
def test_without_quantised_activations_they_are_not(reference, traced, model):
    """So the test above would notice: it is off by a hundred times its bar in every point."""
    for point, printed, theirs, _, ours in first_layer(
        reference, model, traced(model, "b", "f16", "none")
    ):
        assert np.abs(printed - theirs).max() > 1e-2 * ours.std(), point


@pytest.mark.slow
@pytest.mark.parametrize(("model", "bar"), [("Q8_0", 5e-2), ("Q4_K_M", 1e-1)])
def test_last_token_logits(reference, traced, model, bar):
    """f32 cache: the issue's bar is met, and less than half of what engine a is off by is left.

    Reached: Q8_0 1.04e-2, Q4_K_M 2.85e-2. Beyond the first layer, attention in another order of
    sums moves a value across a rounding boundary now and then, and from there paths part.
    """
    theirs = np.fromfile(reference / f"tiny4-{model}.llama_cpp_logits_f32.bin", "<f4")

    def distance(trace):
        return float(np.sqrt(((trace.logits - theirs) ** 2).mean()) / theirs.std())

    quantised = traced(model, "b", "f32", "q8")
    assert distance(quantised) <= bar
    assert distance(quantised) <= 0.5 * distance(traced(model, "a", "f32"))
    assert quantised.top(1)[0][0] == int(theirs.argmax())


@pytest.mark.parametrize("model", MODELS)
def test_plain_activations_agree_with_numpy(traced, model):
    """activation=none is the same mathematics as the reference: 1e-5 of the std at every point."""
    b, numpy = traced(model, "b", "f32", "none"), traced(model, "numpy", "f32")
    assert list(b.tensors) == list(traced(model, "a", "f32").tensors)
    for key, ours in b.tensors.items():
        theirs = numpy.tensors[key].astype(np.float64)
        assert np.sqrt(((ours - theirs) ** 2).mean()) <= 1e-5 * theirs.std(), key


def test_the_path_says_how(traced):
    """Which quantisation, which accumulation, and integers for packed types."""
    plain, q8 = traced("Q8_0", "b").path, traced("Q8_0", "b", "f32", "q8").path
    assert plain["activation_quantisation"] == "none"
    assert q8["activation_quantisation"] == "Q8_0"
    assert traced("Q4_K_M", "b", "f32", "q8").path["activation_quantisation"] == "Q8_K"
    assert q8["accumulate_dtype"] == "int32 within a block, float32 over blocks"
    assert "integers" in q8["weight_formats"]["Q8_0"]
    assert q8["weight_formats"]["F32"] == "as stored"
    differing = {key for key in plain if plain[key] != q8[key]}
    assert differing == {"activation_quantisation", "accumulate_dtype"}


def test_traced_and_plain_logits_are_bit_equal(reference):
    """As for every engine: looking changes no bit."""
    model = open_model(reference / "tiny4-Q4_K_M.gguf")

    def logits(**options):
        _, result = run(
            model, PROMPT, engine="b", device="cpu", kv="f32", activation="q8", **options
        )
        return result.logits.tobytes()

    plain = logits(points=ALL_POINTS, statistics=False)
    assert logits(points=ALL_POINTS) == plain
    assert logits(points=["ffn_silu"]) == plain


def test_other_types_are_refused_by_name(reference):
    """A matrix of F16: tensor and type, how many more, and what to do."""
    with pytest.raises(UnsupportedQuantType) as caught:
        trace(reference / "tiny4-f16.gguf", PROMPT, engine="b", device="cpu")
    assert "tensor token_embd.weight is stored as F16 (and 28 more)" in str(caught.value)
    assert "Q4_0, Q5_0, Q8_0, Q4_K, Q5_K, Q6_K" in caught.value.hint
