"""Tiny Llama models, each as a GGUF file and as a checkpoint: `llamas.py NAME FOLDER`.

The weights are seeded. The GGUF file is written with the `gguf` package as llama.cpp's converter
does it: rows of q and k permuted, Llama 3's scaling as a tensor of factors. The checkpoint has the
same weights under Hugging Face's names, in its own order, and a config.json.
"""

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from attrs import field, frozen
from checkpoints import Written, safetensors_bytes
from numpy.typing import NDArray

HIDDEN, INSIDE, LAYERS, HEADS, KV_HEADS, VOCABULARY = 128, 192, 2, 8, 2, 96
HEAD_DIM = HIDDEN // HEADS
THETA, EPSILON, CONTEXT = 10_000.0, 1e-5, 512
#: What a projection is called at Hugging Face and in GGUF, its shape, and the switch of its bias.
PROJECTIONS = (
    ("self_attn.q_proj", "attn_q", (HEADS * HEAD_DIM, HIDDEN), "attention_bias"),
    ("self_attn.k_proj", "attn_k", (KV_HEADS * HEAD_DIM, HIDDEN), "attention_bias"),
    ("self_attn.v_proj", "attn_v", (KV_HEADS * HEAD_DIM, HIDDEN), "attention_bias"),
    ("self_attn.o_proj", "attn_output", (HIDDEN, HEADS * HEAD_DIM), "attention_bias"),
    ("mlp.gate_proj", "ffn_gate", (INSIDE, HIDDEN), "mlp_bias"),
    ("mlp.up_proj", "ffn_up", (INSIDE, HIDDEN), "mlp_bias"),
    ("mlp.down_proj", "ffn_down", (HIDDEN, INSIDE), "mlp_bias"),
)


@frozen(kw_only=True)
class Variant:
    """What a model has that another has not."""

    is_tied: bool = False
    biases: frozenset[str] = frozenset()
    """Switches of config.json that are on."""
    scaling: Mapping[str, Any] = field(factory=dict)
    """`rope_scaling` of config.json."""


VARIANTS: dict[str, Variant] = {
    "plain": Variant(),
    "tied": Variant(is_tied=True),
    "biases": Variant(biases=frozenset(("attention_bias", "mlp_bias"))),
    "attention biases": Variant(is_tied=True, biases=frozenset(("attention_bias",))),
    "linear": Variant(scaling={"rope_type": "linear", "factor": 4.0}),
    "llama3": Variant(
        is_tied=True,
        scaling={
            "rope_type": "llama3",
            "factor": 8.0,
            "original_max_position_embeddings": 64,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
        },
    ),
    "yarn": Variant(
        # Some versions of transformers take CONTEXT / original for the factor: here both are 4.
        scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}
    ),
}

Arrays = dict[str, tuple[str, NDArray[Any]]]
"""By Hugging Face's name: GGUF's name, and the numbers (float16 matrices, float32 vectors)."""


def weights(variant: Variant, seed: int = 1) -> Arrays:
    """Return the weights of a model, in Hugging Face's order."""
    random = np.random.default_rng(seed)

    def matrix(shape: tuple[int, ...]) -> NDArray[Any]:
        return (random.standard_normal(shape) / math.sqrt(shape[1])).astype(np.float16)

    def vector(width: int, middle: float) -> NDArray[Any]:
        return (middle + 0.3 * random.standard_normal(width)).astype(np.float32)

    found: Arrays = {
        "model.embed_tokens.weight": ("token_embd.weight", matrix((VOCABULARY, HIDDEN))),
        "model.norm.weight": ("output_norm.weight", vector(HIDDEN, 1.0)),
    }
    if not variant.is_tied:
        found["lm_head.weight"] = ("output.weight", matrix((VOCABULARY, HIDDEN)))
    for layer in range(LAYERS):
        theirs, ours = f"model.layers.{layer}.", f"blk.{layer}."
        for one, other in (
            ("input_layernorm", "attn_norm"),
            ("post_attention_layernorm", "ffn_norm"),
        ):
            found[f"{theirs}{one}.weight"] = (f"{ours}{other}.weight", vector(HIDDEN, 1.0))
        for one, other, shape, switch in PROJECTIONS:
            found[f"{theirs}{one}.weight"] = (f"{ours}{other}.weight", matrix(shape))
            if switch in variant.biases:
                found[f"{theirs}{one}.bias"] = (f"{ours}{other}.bias", vector(shape[0], 0.0))
    return found


def permuted(array: NDArray[Any], heads: int) -> NDArray[Any]:
    """Return rows as the converter puts them (`LlamaModel.permute` of convert_hf_to_gguf.py)."""
    rows = array.shape[0]
    halves = array.reshape(heads, 2, rows // heads // 2, *array.shape[1:])
    return halves.swapaxes(1, 2).reshape(array.shape)


def llama3_factors(scaling: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return the factors that the converter works out from `rope_scaling`."""
    factor, context = scaling["factor"], scaling["original_max_position_embeddings"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    factors = []
    for pair in range(HEAD_DIM // 2):
        wavelength = 2 * math.pi * THETA ** (2 * pair / HEAD_DIM)
        if wavelength < context / high:
            factors.append(1.0)
        elif wavelength > context / low:
            factors.append(factor)
        else:
            smooth = (context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, dtype=np.float32)


def _add_metadata(writer: gguf.GGUFWriter, variant: Variant) -> None:
    writer.add_name("tiny llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INSIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(THETA)
    writer.add_rope_dimension_count(HEAD_DIM)
    kind = variant.scaling.get("rope_type", "none")
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        writer.add_rope_scaling_factor(variant.scaling["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(variant.scaling["original_max_position_embeddings"])


def write_gguf(
    variant: Variant,
    path: Path,
    *,
    is_q8: bool = False,
    extra: Mapping[str, Any] | None = None,
    keys: Mapping[str, Any] | None = None,
) -> Path:
    """Write the GGUF file, of float16 or Q8_0; with `extra` tensors and `keys` of metadata."""
    writer = gguf.GGUFWriter(path, "llama")
    _add_metadata(writer, variant)
    if variant.scaling.get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(variant.scaling))
    for name, array in weights(variant).values():
        heads = {"attn_q": HEADS, "attn_k": KV_HEADS}.get(name.split(".")[-2])
        stored = array if heads is None else permuted(array, heads)
        if is_q8 and stored.ndim == 2:
            q8 = gguf.GGMLQuantizationType.Q8_0
            packed = gguf.quants.quantize(stored.astype(np.float32), q8)
            writer.add_tensor(name, packed, raw_dtype=q8)
        else:
            writer.add_tensor(name, np.ascontiguousarray(stored))
    adders = {bool: writer.add_bool, int: writer.add_uint32}
    adders |= {float: writer.add_float32, str: writer.add_string, list: writer.add_array}
    for key, value in (keys or {}).items():
        adders[type(value)](key, value)
    for name, array in (extra or {}).items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def config(variant: Variant) -> dict[str, Any]:
    """Return the config.json."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": "attention_bias" in variant.biases,
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "intermediate_size": INSIDE,
        "max_position_embeddings": CONTEXT,
        "mlp_bias": "mlp_bias" in variant.biases,
        "model_type": "llama",
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "num_key_value_heads": KV_HEADS,
        "pretraining_tp": 1,
        "rms_norm_eps": EPSILON,
        "rope_scaling": dict(variant.scaling) or None,
        "rope_theta": THETA,
        "tie_word_embeddings": variant.is_tied,
        "vocab_size": VOCABULARY,
    }


def write_checkpoint(variant: Variant, folder: Path) -> Path:
    """Write config.json and model.safetensors into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(variant), indent=2) + "\n")
    written: dict[str, Written] = {}
    for name, (_, array) in weights(variant).items():
        dtype = {"float16": "F16", "float32": "F32"}[array.dtype.name]
        written[name] = (dtype, array.shape, array.tobytes())
    (folder / "model.safetensors").write_bytes(safetensors_bytes(written, {"format": "pt"}))
    return folder


def main() -> None:
    """Write one variant, as `NAME.gguf` and as a folder `NAME`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=list(VARIANTS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--q8", action="store_true", help="the GGUF file's matrices as Q8_0")
    given = parser.parse_args()
    variant = VARIANTS[given.name]
    write_checkpoint(variant, given.folder / given.name)
    write_gguf(variant, given.folder / f"{given.name}.gguf", is_q8=given.q8)


if __name__ == "__main__":
    main()
