"""Normed heads (Qwen3) and sliding windows: transformers' numbers, all engines, both batchings."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from windowed_models import VARIANTS, WINDOW, Variant, write_checkpoint, write_gguf

from ml.architectures import open_model
from ml.bisection import bisect
from ml.engines.reference import attend
from ml.passes import open_side, parse_settings
from ml.points import ALL_POINTS
from ml.self_check import self_check
from ml.tracing import trace

FILE = Path(__file__).parents[1] / "data" / "hugging_face" / "windows_and_norms.npz"


@cache
def vectors():
    """What transformers computed, and over which ids."""
    with np.load(FILE, allow_pickle=False) as loaded:
        return dict(loaded)


@pytest.fixture
def ids():
    """The prompt: 24 tokens, so that a window of 5 leaves most of them out."""
    return vectors()["ids"].tolist()


def traced(path, ids, engine, **options):
    """Trace on the CPU at all points, with full activations."""
    return trace(
        path, ids, engine=engine, device="cpu", points=ALL_POINTS, keep_tensors=True, **options
    )


def distance(a, b):
    """Rms of the difference over the std of b."""
    difference = a.astype(np.float64) - b.astype(np.float64)
    return float(np.sqrt((difference**2).mean()) / b.astype(np.float64).std())


@pytest.mark.parametrize("engine", ["numpy", "a"])
@pytest.mark.parametrize("name", VARIANTS)
def test_hugging_face_says_the_same_at_every_layer(name, engine, ids, tmp_path):
    """Within 1e-5 of the std at every layer, and the same likeliest token at every position."""
    path = write_gguf(VARIANTS[name], tmp_path / "model.gguf")
    tensors = traced(path, ids, engine).tensors
    wanted = {
        key.partition("/")[2]: v for key, v in vectors().items() if key.startswith(f"{name}/")
    }
    assert len(wanted) == 6
    for place, values in wanted.items():
        point, _, layer = place.partition(".")
        ours = tensors[point, int(layer) if layer else None]
        assert distance(ours, values) <= 1e-5, place
    ours, theirs = tensors["logits", None], wanted["logits"]
    assert ours.argmax(axis=1).tolist() == theirs.argmax(axis=1).tolist()


@pytest.mark.parametrize("engine", ["numpy", "a"])
@pytest.mark.parametrize("name", VARIANTS)
def test_a_checkpoint_gives_the_numbers_of_its_gguf_file(name, engine, ids, tmp_path):
    """Bit for bit: config.json and metadata say the same windows, norms and widths."""
    variant = VARIANTS[name]
    of_gguf = traced(write_gguf(variant, tmp_path / "model.gguf"), ids, engine)
    of_checkpoint = traced(write_checkpoint(variant, tmp_path / "model"), ids, engine)
    assert of_gguf.blob == of_checkpoint.blob
    assert of_gguf.logits.tobytes() == of_checkpoint.logits.tobytes()
    assert of_gguf.path["attention_form"] == of_checkpoint.path["attention_form"]
    assert of_gguf.identity == of_checkpoint.identity


@pytest.mark.parametrize("name", VARIANTS)
def test_the_engines_agree(name, ids, tmp_path):
    """Engine b over packed rows is within 1e-5 of the std of numpy's, at every point."""
    packed = write_gguf(VARIANTS[name], tmp_path / "packed.gguf", is_q8=True)
    numpy = traced(packed, ids, "numpy").tensors
    for engine in ("a", "b"):
        tensors = traced(packed, ids, engine).tensors
        assert max(distance(tensors[place], values) for place, values in numpy.items()) <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "a", "b"])
@pytest.mark.parametrize("name", ["qwen3 window", "qwen2 layer types"])
@pytest.mark.parametrize("kv", ["f32", "f16"])
def test_one_by_one_is_the_same(name, engine, kv, ids, tmp_path):
    """The self-check holds over a cache that is longer than the window."""
    path = write_gguf(VARIANTS[name], tmp_path / "packed.gguf", is_q8=True)
    checked = self_check(path, ids[:12], engine=engine, device="cpu", kv=kv)
    assert checked.agrees
    assert checked.largest.distance <= 1e-6, checked.largest


@pytest.mark.parametrize("engine", ["numpy", "a"])
@pytest.mark.parametrize("batching", ["prefill", "one by one"])
def test_a_window_hides_exactly_what_lies_before_it(engine, batching, ids, tmp_path):
    """One layer: another token `WINDOW` positions back changes nothing, one nearer changes much."""
    keys = {"attention.sliding_window_pattern": [True, False, False]}
    path = write_gguf(VARIANTS["qwen3 window"], tmp_path / "model.gguf", keys=keys)
    at, mixes = 12, {}
    for back in (0, WINDOW - 1, WINDOW):
        changed = list(ids)
        if back:
            changed[at - back] = (changed[at - back] + 1) % 96
        found = traced(path, changed, engine, batching=batching).tensors
        mixes[back] = found["attn_mix", 0][at]
    assert np.array_equal(mixes[WINDOW], mixes[0])
    assert not np.allclose(mixes[WINDOW - 1], mixes[0], rtol=1e-3)


def test_a_window_as_wide_as_the_prompt_is_none(ids, tmp_path):
    """And one of a position less is one."""
    wide, less = (
        write_gguf(
            VARIANTS["mistral"], tmp_path / f"{n}.gguf", keys={"attention.sliding_window": n}
        )
        for n in (len(ids), len(ids) - 1)
    )
    none = write_gguf(
        VARIANTS["mistral"], tmp_path / "none.gguf", keys={"attention.sliding_window": 0}
    )
    first, second, third = (traced(path, ids, "a").logits for path in (wide, less, none))
    assert first.tobytes() == third.tobytes()
    assert second.tobytes() != third.tobytes()
    assert open_model(none).config.windows == ()


@pytest.mark.parametrize("engine", ["numpy", "a"])
def test_the_norm_lies_between_bias_and_rope(engine, ids, tmp_path):
    """q_bias is q_matmul still, and q_rope has the norm: every head of the first token has rms 1.

    At position 0 nothing turns, so q_rope over the norm's weight is a row of rms 1 a head.
    """
    path = write_gguf(VARIANTS["qwen3"], tmp_path / "model.gguf")
    tensors = traced(path, ids, engine).tensors
    assert np.array_equal(tensors["q_bias", 1], tensors["q_matmul", 1])
    scale = open_model(path).container.tensor_bytes("blk.1.attn_q_norm.weight").view("<f4")
    heads = tensors["q_rope", 1][0].reshape(-1, 32).astype(np.float64) / scale
    assert np.sqrt((heads**2).mean(axis=1)) == pytest.approx(np.ones(4), abs=1e-4)


def test_the_path_says_which_layers_have_a_window(ids, tmp_path):
    """So that a comparison with a pass without one lists it."""
    for name, said in (
        ("qwen3 window", "; window of 5 in layers 1, 2"),
        ("qwen3", "sqrt(head_dim)"),
    ):
        path = write_gguf(VARIANTS[name], tmp_path / f"{name}.gguf")
        assert traced(path, ids[:3], "numpy").path["attention_form"].endswith(said)


def test_a_window_by_hand():
    """Two positions seen of three: the last query mixes the last two values alone."""
    q = np.zeros((3, 2))
    v = np.array([[1.0, 0], [0, 1.0], [0, 3.0]])
    assert attend(q, np.zeros((3, 2)), v, 2, 2)[2].tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    ("change", "culprit"),
    [
        ({"model_type": "qwen3", "has_head_norms": True}, ("attn_mix", 1)),
        ("norm", ("q_rope", 0)),
    ],
    ids=["window left out", "norm of another layer"],
)
def test_bisection_names_what_a_port_got_wrong(change, culprit, ids, tmp_path):
    """A window that is ignored shows at the first mix that has one, a wrong norm at q_rope."""
    settings = parse_settings("engine=numpy")
    sound = open_side(write_gguf(VARIANTS["qwen3 window"], tmp_path / "model.gguf"), settings)
    if change == "norm":
        data = bytearray((tmp_path / "model.gguf").read_bytes())
        tensor = sound.model.tensors["blk.0.attn_q_norm.weight"]
        other = sound.model.container.tensor_bytes("blk.1.attn_q_norm.weight").tobytes()
        data[tensor.offset : tensor.offset + tensor.size_bytes] = other
        (tmp_path / "port.gguf").write_bytes(data)
    else:
        write_gguf(Variant(**change), tmp_path / "port.gguf")
    port = open_side(tmp_path / "port.gguf", settings)
    found, _ = bisect(sound.run(ids), port, tuple(ids))
    assert found.culprit is not None
    assert found.culprit.place == culprit
