"""Llama models: a GGUF file gives the numbers of its checkpoint, and all engines agree."""

import json
from pathlib import Path

import numpy as np
import pytest
from llamas import VARIANTS, VOCABULARY, write_checkpoint, write_gguf

from ml.architectures import open_model
from ml.engines.reference import rotate
from ml.points import ALL_POINTS, in_order
from ml.tracing import Trace, trace

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "ml" / "llama_logits.json").read_text()
)
IDS = [(i * 37 + i * i) % VOCABULARY for i in range(24)]


def traced(path: Path, engine: str, **options: str) -> Trace:
    """Trace on the CPU at all points, with full activations."""
    return trace(
        path, IDS, engine=engine, device="cpu", points=ALL_POINTS, keep_tensors=True, **options
    )


def distance(a: Trace, b: Trace) -> float:
    """Return the largest distance of a point: rms of the difference over the std of b."""
    assert a.tensors is not None
    assert b.tensors is not None
    found = []
    for place, theirs in b.tensors.items():
        difference = a.tensors[place].astype(np.float64) - theirs
        found.append(np.sqrt((difference**2).mean()) / theirs.astype(np.float64).std())
    return float(max(found))


@pytest.mark.parametrize("engine", ["numpy", "a"])
@pytest.mark.parametrize("name", VARIANTS)
def test_a_gguf_file_gives_the_numbers_of_its_checkpoint(name, engine, tmp_path):
    """Bit for bit at every point and row, q and k included, whose rows the file has permuted."""
    variant = VARIANTS[name]
    of_gguf = traced(write_gguf(variant, tmp_path / "model.gguf"), engine)
    of_checkpoint = traced(write_checkpoint(variant, tmp_path / "model"), engine)
    assert [(p.point, p.layer) for p in of_gguf.points] == [
        (point.id, layer) for point, layer in in_order(ALL_POINTS, 2)
    ]
    assert of_gguf.blob == of_checkpoint.blob
    assert of_gguf.logits.tobytes() == of_checkpoint.logits.tobytes()
    assert of_gguf.identity == of_checkpoint.identity
    differing = {key for key, value in of_gguf.path.items() if value != of_checkpoint.path[key]}
    assert differing == {"container", "model_sha256"}


@pytest.mark.parametrize("name", VARIANTS)
def test_hugging_face_says_the_same(name, tmp_path):
    """Logits of transformers in float64, but for its float32 angles: an oracle of other people.

    tests/support/transformers_logits.py made the vectors from the same checkpoints.
    """
    wanted = VECTORS["models"][name]
    path = write_gguf(VARIANTS[name], tmp_path / "model.gguf")
    logits = trace(
        path, VECTORS["ids"], engine="numpy", points=["logits"], keep_tensors=True
    ).tensors["logits", None]
    difference = logits[-1].astype(np.float64) - wanted["last"]
    assert np.sqrt((difference**2).mean()) <= 2e-6 * np.std(wanted["last"])
    assert logits.argmax(axis=1).tolist() == wanted["argmax"]


@pytest.mark.parametrize("name", VARIANTS)
def test_the_engines_agree(name, tmp_path):
    """Engine a within 1e-5 of the std of numpy's, and so is b over packed rows that were moved."""
    variant = VARIANTS[name]
    plain = write_gguf(variant, tmp_path / "plain.gguf")
    assert distance(traced(plain, "a"), traced(plain, "numpy")) <= 1e-5
    packed = write_gguf(variant, tmp_path / "packed.gguf", is_q8=True)
    numpy = traced(packed, "numpy")
    assert distance(traced(packed, "b"), numpy) <= 1e-5
    # Quantised activations: a percent, and not the tens of percent of rows in a wrong order.
    assert distance(traced(packed, "b", activation="q8"), numpy) <= 5e-2


def test_without_a_bias_a_point_after_it_is_the_one_before(tmp_path):
    """q_bias is q_matmul, number for number; with one it is not."""
    without = traced(write_gguf(VARIANTS["plain"], tmp_path / "plain.gguf"), "numpy").tensors
    with_one = traced(write_gguf(VARIANTS["biases"], tmp_path / "biases.gguf"), "numpy").tensors
    for name in "qkv":
        assert np.array_equal(without[f"{name}_matmul", 1], without[f"{name}_bias", 1])
        assert not np.array_equal(with_one[f"{name}_matmul", 1], with_one[f"{name}_bias", 1])


def test_every_variant_gives_other_numbers(tmp_path):
    """So that a scaling or a bias that nobody reads would show: the seed is the same."""
    logits = {
        name: traced(write_gguf(variant, tmp_path / "model.gguf"), "numpy").logits.tobytes()
        for name, variant in VARIANTS.items()
    }
    assert len(set(logits.values())) == len(VARIANTS)


@pytest.mark.parametrize("name", ["plain", "linear", "llama3", "yarn"])
def test_rows_as_the_file_has_them_turn_as_neighbours(name, tmp_path):
    """As ggml does it: raw rows of the file, neighbours turned, give the scores of our q and k."""
    path = write_gguf(VARIANTS[name], tmp_path / "model.gguf")
    model, tensors = open_model(path), traced(path, "numpy").tensors
    normed = tensors["attn_norm", 0].astype(np.float64)
    # Channels 0 … 7 of a vector that starts as ones become the cosines, the others the sines.
    start = np.repeat([[1.0] * 8 + [0.0] * 8], len(IDS), axis=0)
    turns = rotate(start, 16, model.config.rope_theta, scaling=model.config.rope_scaling)
    cos, sin = turns[:, :8], turns[:, 8:]
    heads = []
    for part in ("attn_q", "attn_k"):
        raw = model.container.tensor_bytes(f"blk.0.{part}.weight").view("<f2").reshape(-1, 128)
        pairs = (normed @ raw[:16].T.astype(np.float64)).reshape(len(IDS), 8, 2)
        first, second = pairs[..., 0], pairs[..., 1]
        turned = np.stack([first * cos - second * sin, second * cos + first * sin], axis=-1)
        heads.append(turned.reshape(len(IDS), 16))
    ours = [tensors[f"{part}_rope", 0][:, :16].astype(np.float64) for part in "qk"]
    wanted = ours[0] @ ours[1].T
    assert np.abs(heads[0] @ heads[1].T - wanted).max() <= 1e-5 * np.abs(wanted).max()
