"""Tiny models with normed heads or sliding windows, as GGUF files and checkpoints.

    windowed_models.py NAME FOLDER

Seeded weights. Heads times head dimension is not the hidden width, so that a head dimension that is
guessed shows. The checkpoint has the same weights under Hugging Face's names.
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
from checkpoints import safetensors_bytes
from numpy.typing import NDArray

HIDDEN, INSIDE, LAYERS, HEADS, KV_HEADS, HEAD_DIM, VOCABULARY = 64, 96, 3, 4, 2, 32, 96
THETA, EPSILON, CONTEXT = 10_000.0, 1e-6, 256


@frozen(kw_only=True)
class Variant:
    """What a model has that another has not."""

    model_type: str
    """As config.json names it."""
    has_head_norms: bool = False
    has_biases: bool = False
    settings: Mapping[str, Any] = field(factory=dict)
    """Further keys of config.json."""
    keys: Mapping[str, Any] = field(factory=dict)
    """The same as GGUF's metadata, without the architecture's name."""


#: The window of the model, in positions: shorter than the prompts, so that a mask shows.
WINDOW = 5
VARIANTS: dict[str, Variant] = {
    "qwen3": Variant(model_type="qwen3", has_head_norms=True),
    "qwen3 window": Variant(
        model_type="qwen3",
        has_head_norms=True,
        settings={"use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 1},
        keys={
            "attention.sliding_window": WINDOW,
            "attention.sliding_window_pattern": [False, True, True],
        },
    ),
    "qwen2 window": Variant(
        model_type="qwen2",
        has_biases=True,
        settings={"use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 2},
        keys={
            "attention.sliding_window": WINDOW,
            "attention.sliding_window_pattern": [False, False, True],
        },
    ),
    "qwen2 layer types": Variant(
        model_type="qwen2",
        has_biases=True,
        settings={
            "use_sliding_window": True,
            "sliding_window": WINDOW,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        },
        # By llama.cpp's rule, every second layer sees everything.
        keys={"attention.sliding_window": WINDOW, "attention.sliding_window_pattern": 2},
    ),
    "mistral": Variant(
        model_type="mistral",
        settings={"sliding_window": WINDOW},
        keys={"attention.sliding_window": WINDOW},
    ),
}

Arrays = dict[str, tuple[str, NDArray[Any]]]
"""By Hugging Face's name: GGUF's name, and the numbers (float16 matrices, float32 vectors)."""
PROJECTIONS = (
    ("self_attn.q_proj", "attn_q", (HEADS * HEAD_DIM, HIDDEN)),
    ("self_attn.k_proj", "attn_k", (KV_HEADS * HEAD_DIM, HIDDEN)),
    ("self_attn.v_proj", "attn_v", (KV_HEADS * HEAD_DIM, HIDDEN)),
    ("self_attn.o_proj", "attn_output", (HIDDEN, HEADS * HEAD_DIM)),
    ("mlp.gate_proj", "ffn_gate", (INSIDE, HIDDEN)),
    ("mlp.up_proj", "ffn_up", (INSIDE, HIDDEN)),
    ("mlp.down_proj", "ffn_down", (HIDDEN, INSIDE)),
)


def weights(variant: Variant, seed: int = 7) -> Arrays:
    """Return the weights of a model, in Hugging Face's order."""
    random = np.random.default_rng(seed)

    def matrix(shape: tuple[int, ...], scale: float = 1.0) -> NDArray[Any]:
        values = scale * random.standard_normal(shape) / math.sqrt(shape[1])
        return values.astype(np.float16)

    def vector(width: int, middle: float) -> NDArray[Any]:
        return (middle + 0.3 * random.standard_normal(width)).astype(np.float32)

    found: Arrays = {
        "model.embed_tokens.weight": ("token_embd.weight", matrix((VOCABULARY, HIDDEN))),
        "model.norm.weight": ("output_norm.weight", vector(HIDDEN, 1.0)),
        "lm_head.weight": ("output.weight", matrix((VOCABULARY, HIDDEN))),
    }
    norms = [
        ("input_layernorm", "attn_norm", HIDDEN),
        ("post_attention_layernorm", "ffn_norm", HIDDEN),
    ]
    if variant.has_head_norms:
        norms += [("self_attn.q_norm", "attn_q_norm", HEAD_DIM)]
        norms += [("self_attn.k_norm", "attn_k_norm", HEAD_DIM)]
    for layer in range(LAYERS):
        theirs, ours = f"model.layers.{layer}.", f"blk.{layer}."
        for one, other, width in norms:
            found[f"{theirs}{one}.weight"] = (f"{ours}{other}.weight", vector(width, 1.0))
        for one, other, shape in PROJECTIONS:
            # Scores of some size: with tiny ones attention is flat, and a wrong mask hardly shows.
            scale = 2.0 if other in ("attn_q", "attn_k") else 1.0
            found[f"{theirs}{one}.weight"] = (f"{ours}{other}.weight", matrix(shape, scale))
            if variant.has_biases and other in ("attn_q", "attn_k", "attn_v"):
                found[f"{theirs}{one}.bias"] = (f"{ours}{other}.bias", vector(shape[0], 0.0))
    return found


def permuted(array: NDArray[Any]) -> NDArray[Any]:
    """Return rows of heads as Llama's converter puts them."""
    halves = array.reshape(-1, 2, HEAD_DIM // 2, *array.shape[1:])
    return halves.swapaxes(1, 2).reshape(array.shape)


def write_gguf(
    variant: Variant, path: Path, *, is_q8: bool = False, keys: Mapping[str, Any] | None = None
) -> Path:
    """Write the GGUF file, of float16 or Q8_0; `keys` add to its metadata or replace it."""
    architecture = {"mistral": "llama"}.get(variant.model_type, variant.model_type)
    writer = gguf.GGUFWriter(path, architecture)
    for add, value in (
        (writer.add_name, "tiny"), (writer.add_block_count, LAYERS),
        (writer.add_context_length, CONTEXT), (writer.add_embedding_length, HIDDEN),
        (writer.add_feed_forward_length, INSIDE), (writer.add_head_count, HEADS),
        (writer.add_head_count_kv, KV_HEADS), (writer.add_key_length, HEAD_DIM),
        (writer.add_value_length, HEAD_DIM), (writer.add_layer_norm_rms_eps, EPSILON),
        (writer.add_rope_freq_base, THETA),
    ):  # fmt: skip
        add(value)
    adders = {bool: writer.add_bool, int: writer.add_uint32, str: writer.add_string}
    adders |= {list: writer.add_array, float: writer.add_float32}
    for key, value in {**variant.keys, **(keys or {})}.items():
        adders[type(value)](f"{architecture}.{key}", value)
    for name, array in weights(variant).values():
        is_moved = architecture == "llama" and name.split(".")[-2] in ("attn_q", "attn_k")
        stored = np.ascontiguousarray(permuted(array) if is_moved else array)
        if is_q8 and stored.ndim == 2:
            q8 = gguf.GGMLQuantizationType.Q8_0
            packed = gguf.quants.quantize(stored.astype(np.float32), q8)
            writer.add_tensor(name, packed, raw_dtype=q8)
        else:
            writer.add_tensor(name, stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def config(variant: Variant) -> dict[str, Any]:
    """Return the config.json."""
    classes = {"qwen2": "Qwen2", "qwen3": "Qwen3", "mistral": "Mistral"}
    return {
        "architectures": [f"{classes[variant.model_type]}ForCausalLM"],
        "attention_bias": False,
        "head_dim": HEAD_DIM,
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "intermediate_size": INSIDE,
        "max_position_embeddings": CONTEXT,
        "model_type": variant.model_type,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "num_key_value_heads": KV_HEADS,
        "rms_norm_eps": EPSILON,
        "rope_theta": THETA,
        "tie_word_embeddings": False,
        "vocab_size": VOCABULARY,
        **variant.settings,
    }


def write_checkpoint(variant: Variant, folder: Path) -> Path:
    """Write config.json and model.safetensors into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(variant), indent=2) + "\n")
    dtypes = {"float16": "F16", "float32": "F32"}
    written = {
        name: (dtypes[array.dtype.name], array.shape, array.tobytes())
        for name, (_, array) in weights(variant).items()
    }
    (folder / "model.safetensors").write_bytes(safetensors_bytes(written, {"format": "pt"}))
    return folder


def main() -> None:
    """Write one variant, as `NAME.gguf` and as a folder `NAME`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=list(VARIANTS))
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    write_checkpoint(VARIANTS[given.name], given.folder / given.name)
    write_gguf(VARIANTS[given.name], given.folder / f"{given.name}.gguf")


if __name__ == "__main__":
    main()
