"""Llama: config from both containers, biases, scaling, and what is refused by name."""

import json
import re

import gguf
import numpy as np
import pytest
from attrs import evolve
from llamas import HEADS, VARIANTS, permuted, weights, write_checkpoint, write_gguf

from ml.architectures import open_model
from ml.architectures.rope_scaling import RopeScaling
from ml.engines.reference import weight
from ml.errors import MlError, UnknownArchitecture, UnknownTensor, UnsupportedModel

ATTENTION = {"attn_q", "attn_k", "attn_v", "attn_output"}
BIASES = {"biases": ATTENTION | {"ffn_gate", "ffn_up", "ffn_down"}, "attention biases": ATTENTION}


@pytest.mark.parametrize("name", VARIANTS)
def test_both_containers_give_one_config(name, tmp_path):
    """But for Llama 3's scaling, of which a GGUF file has the factors alone."""
    variant = VARIANTS[name]
    ours = open_model(write_gguf(variant, tmp_path / "model.gguf"))
    theirs = open_model(write_checkpoint(variant, tmp_path / "model"))
    config = ours.config
    if name == "llama3":
        assert config.rope_scaling.kind == "factors"
        assert len(config.rope_scaling.factors) == 8
        assert theirs.config.rope_scaling == RopeScaling(
            kind="llama3", factor=8.0, original_context=64, low_frequency=1.0, high_frequency=4.0
        )
        config = evolve(config, rope_scaling=theirs.config.rope_scaling)
    assert config == theirs.config
    assert (config.architecture, config.heads, config.kv_heads, config.head_dim) == (
        "llama",
        8,
        2,
        16,
    )
    assert config.tied_output is variant.is_tied
    assert config.biases == BIASES.get(name, set())
    assert (ours.is_permuted, theirs.is_permuted) == (True, False)


def test_rows_come_in_hugging_face_order(tmp_path):
    """Weights and biases of q and k as bytes, by the engines' reading and by numpy's own."""
    variant = VARIANTS["biases"]
    ours = open_model(write_gguf(variant, tmp_path / "model.gguf"))
    theirs = open_model(write_checkpoint(variant, tmp_path / "model"))
    moved = set()
    for name in theirs.tensors:
        wanted = theirs.tensor_bytes(name).tobytes()
        assert ours.tensor_bytes(name).tobytes() == wanted, name
        assert np.array_equal(weight(ours, name), weight(theirs, name)), name
        if ours.container.tensor_bytes(name).tobytes() != wanted:
            moved.add(".".join(name.split(".")[2:]))
    assert moved == {"attn_q.weight", "attn_q.bias", "attn_k.weight", "attn_k.bias"}


def test_packed_rows_move_whole(tmp_path):
    """Q8_0: what is un-permuted is packed as the un-permuted rows are."""
    model = open_model(write_gguf(VARIANTS["plain"], tmp_path / "model.gguf", is_q8=True))
    rows = next(
        a for name, a in weights(VARIANTS["plain"]).values() if name == "blk.1.attn_q.weight"
    )
    packed = gguf.quants.quantize(rows.astype(np.float32), gguf.GGMLQuantizationType.Q8_0)
    assert model.tensor_bytes("blk.1.attn_q.weight").tobytes() == packed.tobytes()
    assert not np.array_equal(permuted(rows, HEADS), rows)


@pytest.mark.parametrize("architecture", ["phi3", "gemma2"])
def test_another_architecture_is_named(architecture, tmp_path):
    """In a checkpoint too."""
    folder = write_checkpoint(VARIANTS["plain"], tmp_path / "model")
    change(folder, model_type=architecture)
    with pytest.raises(UnknownArchitecture, match=f"'{architecture}'") as caught:
        open_model(folder)
    assert "llama" in caught.value.hint


def change(folder, **changes):
    """Change keys of config.json; None takes one away."""
    path = folder / "config.json"
    found = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in found.items() if v is not None}))


def test_tensors_that_are_not_expected_are_named(tmp_path):
    """Norms of q, as other models have them; a bias that one layer alone has."""
    extra = {
        "blk.0.attn_q_norm.weight": np.ones(16, np.float32),
        "blk.1.attn_q.bias": np.ones(128, np.float32),
    }
    with pytest.raises(UnknownTensor) as caught:
        open_model(write_gguf(VARIANTS["plain"], tmp_path / "model.gguf", extra=extra))
    assert "blk.0.attn_q_norm.weight is not expected" in str(caught.value)
    assert "blk.1.attn_q.bias is not expected" in str(caught.value)
    extra = {"blk.0.ffn_up.bias": np.ones(192, np.float32)}
    with pytest.raises(UnknownTensor, match=r"blk\.1\.ffn_up\.bias is missing"):
        open_model(write_gguf(VARIANTS["plain"], tmp_path / "model.gguf", extra=extra))


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("plain", {"attention_bias": True}, "attention_bias of config.json is True, and blk.0."),
        ("biases", {"attention_bias": False}, "attn_q.bias is there all the same"),
        ("biases", {"mlp_bias": None}, "ffn_gate.bias is there all the same"),
        ("plain", {"mlp_bias": True}, "ffn_gate.bias is missing"),
        ("plain", {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, "type is 'dynamic'"),
        ("plain", {"rope_scaling": {"rope_type": "longrope"}}, "type is 'longrope'"),
        ("plain", {"rope_scaling": {"rope_type": 7}}, "type is '7'"),
        ("plain", {"rope_scaling": {"factor": 2.0}}, "rope.scaling.factor is 2.0"),
        ("plain", {"rope_scaling": {"type": "linear"}}, "no llama.rope.scaling.factor"),
        ("plain", {"rope_scaling": {"type": "linear", "factor": 0}}, "factor is 0.0"),
        ("linear", {"rope_scaling": {"type": "linear", "factor": 2, "mscale": 2}}, "mscale is 2.0"),
        (
            "llama3",
            {"rope_scaling": {**VARIANTS["llama3"].scaling, "low_freq_factor": 4.0}},
            "low_freq_factor is 4.0, not below",
        ),
        (
            "yarn",
            {"rope_scaling": {**VARIANTS["yarn"].scaling, "beta_slow": 32}},
            "yarn_beta_slow is 32.0, not below",
        ),
        (
            "yarn",
            {"rope_scaling": {**VARIANTS["yarn"].scaling, "truncate": False}},
            "truncate is False",
        ),
        (
            "yarn",
            {"rope_scaling": {**VARIANTS["yarn"].scaling, "mscale_all_dim": 1.0}},
            "mscale_all_dim is 1.0",
        ),
        ("yarn", {"rope_theta": 1.0}, "freq_base is 1.0"),
        ("plain", {"head_dim": 15}, "head dimension 15"),
        (
            "plain",
            {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}},
            "partial_rotary_factor is 0.5",
        ),
    ],
    ids=str,
)
def test_a_config_that_is_not_implemented(name, changes, says, tmp_path):
    """Key and value are named, whatever would change the numbers without a word."""
    folder = write_checkpoint(VARIANTS[name], tmp_path / "model")
    change(folder, **changes)
    with pytest.raises(UnsupportedModel, match=re.escape(says)):
        open_model(folder)


def test_scaling_of_a_checkpoint(tmp_path):
    """YaRN with all its knobs, in either place where transformers keeps them."""
    stated = {
        "rope_type": "yarn",
        "factor": 2.0,
        "original_max_position_embeddings": 256,
        "beta_fast": 16,
        "beta_slow": 2,
        "attention_factor": 1.5,
    }
    wanted = RopeScaling(
        kind="yarn",
        factor=2.0,
        original_context=256,
        beta_fast=16.0,
        beta_slow=2.0,
        magnitude=1.5,
    )
    folder = write_checkpoint(VARIANTS["plain"], tmp_path / "model")
    for place in ("rope_scaling", "rope_parameters"):
        change(folder, rope_scaling=None, rope_parameters=None)
        change(folder, **{place: stated})
        assert open_model(folder).config.rope_scaling == wanted


@pytest.mark.parametrize(
    ("factors", "says"),
    [
        (np.ones(7, np.float32), "rope_freqs.weight has the shape [7], not [8]"),
        (np.zeros(8, np.float32), "not a positive number"),
        (np.full(8, np.nan, np.float32), "not a positive number"),
        (np.ones(8, np.float16), "stored as F16"),
        (np.ones(70_000, np.float32), "70000 factors, over the limit"),
    ],
    ids=["too few", "zero", "nan", "f16", "too many"],
)
def test_factors_that_are_none(factors, says, tmp_path):
    """A tensor of factors is checked before anything divides by it."""
    path = write_gguf(
        VARIANTS["plain"], tmp_path / "model.gguf", extra={"rope_freqs.weight": factors}
    )
    with pytest.raises((UnsupportedModel, UnknownTensor), match=re.escape(says)):
        open_model(path)


def test_two_scalings_at_once(tmp_path):
    """A tensor of factors and a type besides: which of them counts is nowhere written."""
    extra = {"rope_freqs.weight": np.ones(8, np.float32)}
    path = write_gguf(VARIANTS["linear"], tmp_path / "model.gguf", extra=extra)
    with pytest.raises(UnsupportedModel, match="'linear', and there is rope_freqs"):
        open_model(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rope.scale_linear", 2.0),
        ("rope.scaling.alpha", 2.0),
        ("rope.scaling.yarn_ext_factor", 0.5),
        ("attention.scale", 0.5),
        ("residual_scale", 0.5),
        ("logit_scale", 0.5),
        ("expert_count", 8),
    ],
)
def test_keys_of_gguf_that_are_not_implemented(key, value, tmp_path):
    """Each is named with its value."""
    path = write_gguf(VARIANTS["plain"], tmp_path / "model.gguf", keys={f"llama.{key}": value})
    with pytest.raises(UnsupportedModel, match=re.escape(f"llama.{key} is {value}")):
        open_model(path)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("rope.scaling.type", [1.0, 2.0], "type is 'an array of 2'"),
        ("rope.scaling.alpha", [1.0] * 5, "alpha is an array of 5"),
        ("rope.scale_linear", [1.0], "scale_linear is an array of 1"),
        ("logit_scale", [0.5, 1.0], "logit_scale is an array of 2"),
        ("attention.head_count_kv", [2, 2], "not a positive whole number"),
        ("rope.scaling.type", "linear\n\x1b", "'linear"),
    ],
    ids=str,
)
def test_values_of_another_type(key, value, says, tmp_path):
    """Arrays, as files with something else in each layer have them; control characters."""
    path = write_gguf(VARIANTS["plain"], tmp_path / "model.gguf", keys={f"llama.{key}": value})
    with pytest.raises(MlError, match=re.escape(says)) as caught:
        open_model(path)
    assert str(caught.value).isprintable()


def test_keys_of_gguf_that_change_nothing(tmp_path):
    """At the value that is the rule anyway, and where a key only tells where a model comes from."""
    keys = {
        "llama.rope.scaling.type": "none",
        "llama.rope.scaling.factor": 1.0,
        "llama.rope.scaling.attn_factor": 1.0,
        "llama.rope.scaling.finetuned": True,
        "llama.rope.scaling.original_context_length": 64,
        "llama.rope.scale_linear": 1.0,
        "llama.expert_count": 0,
        "llama.vocab_size": 96,
    }
    path = write_gguf(VARIANTS["plain"], tmp_path / "model.gguf", keys=keys)
    assert open_model(path).config.rope_scaling == RopeScaling()
