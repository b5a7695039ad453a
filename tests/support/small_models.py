"""A seeded Qwen2 model of one or two layers, so small that many passes of it take no time.

`small_model(path)` writes it; with `quant_type` its matrices are packed, and `change` may alter any
tensor before it is written, as a port that got something wrong.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, quants
from numpy.typing import NDArray

HIDDEN, INSIDE, HEADS, KV_HEADS, HEAD_DIM, VOCABULARY = 64, 96, 2, 1, 32, 96
Tensors = dict[str, NDArray[np.float32]]


def small_tensors(layers: int) -> Tensors:
    """The weights, before they are packed."""
    draw = np.random.default_rng(11)

    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        return draw.normal(0, columns**-0.5, (rows, columns)).astype(np.float32)

    def vector(width: int, middle: float) -> NDArray[np.float32]:
        return draw.normal(middle, 0.2, width).astype(np.float32)

    tensors = {"token_embd.weight": matrix(VOCABULARY, HIDDEN)}
    q, kv = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
    shapes = {"attn_q": (q, HIDDEN), "attn_k": (kv, HIDDEN), "attn_v": (kv, HIDDEN),
              "attn_output": (HIDDEN, q), "ffn_gate": (INSIDE, HIDDEN), "ffn_up": (INSIDE, HIDDEN),
              "ffn_down": (HIDDEN, INSIDE)}  # fmt: skip
    for layer in range(layers):
        for name, shape in shapes.items():
            tensors[f"blk.{layer}.{name}.weight"] = matrix(*shape)
        for name in ("attn_q", "attn_k", "attn_v"):
            tensors[f"blk.{layer}.{name}.bias"] = vector(shapes[name][0], 0)
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{layer}.{name}.weight"] = vector(HIDDEN, 1)
    tensors["output_norm.weight"] = vector(HIDDEN, 1)
    return tensors


def small_model(
    path: Path,
    *,
    layers: int = 1,
    quant_type: str = "F32",
    theta: float = 1e4,
    epsilon: float = 1e-6,
    change: Callable[[Tensors], object] | None = None,
) -> Path:
    """Write the model and return its path; matrices in `quant_type`, vectors in F32."""
    tensors = small_tensors(layers)
    if change is not None:
        change(tensors)
    writer = GGUFWriter(path, "qwen2")
    writer.add_name("small")
    writer.add_block_count(layers)
    writer.add_context_length(256)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INSIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(epsilon)
    writer.add_rope_freq_base(theta)
    writer.add_token_list([f"t{token}" for token in range(VOCABULARY)])
    packed = GGMLQuantizationType[quant_type]
    for name, values in tensors.items():
        if values.ndim == 2 and quant_type != "F32":
            writer.add_tensor(name, quants.quantize(values, packed), raw_dtype=packed)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
