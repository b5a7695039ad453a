"""Faults that lie in the model file: rows, blocks, tiles, tensors and metadata that are changed."""

import numpy as np
from fault_base import Fault
from fault_models import BLOCK, BLOCK_BYTES, HEAD_DIM, HEADS, HIDDEN, VOCABULARY, Parts, prompt


def moved_rows(parts: Parts, names: tuple[str, ...], order: np.ndarray) -> Parts:
    """Tensors with their rows in another order."""
    for name in names:
        parts = parts.put(name, parts.tensors[name].data[order])
    return parts


def in_block(parts: Parts, name: str, row: int, block: int, factor: float) -> Parts:
    """A quant block's scale times a factor, or its 32 numbers where the type has no blocks."""
    stored = parts.tensors[name]
    data = stored.data.copy()
    if stored.kind in BLOCK_BYTES:
        at = block * BLOCK_BYTES[stored.kind]
        scale = data[row, at : at + 2].view(np.float16)
        data[row, at : at + 2] = (scale * np.float16(factor)).view(np.uint8)
    else:
        data[row, block * BLOCK : (block + 1) * BLOCK] *= np.float16(factor)
    return parts.put(name, data)


def heads_swapped(layer: int, one: int = 1, other: int = 2) -> Fault:
    """Two heads of q change places."""
    order = np.arange(HEADS * HEAD_DIM).reshape(HEADS, HEAD_DIM)
    order[[one, other]] = order[[other, one]]
    names = tuple(f"blk.{layer}.attn_q.{part}" for part in ("weight", "bias"))
    return Fault(
        name="two heads swapped",
        what=f"heads {one} and {other} of q change places in layer {layer}, weight and bias",
        site=("q_matmul", layer),
        in_file=lambda parts: moved_rows(parts, names, order.ravel()),
    )


def rows_permuted(layer: int) -> Fault:
    """Rows of ffn_up in another order."""
    name = f"blk.{layer}.ffn_up.weight"
    return Fault(
        name="ffn_up rows permuted",
        what=f"the rows of ffn_up of layer {layer} are one further down",
        site=("ffn_up", layer),
        in_file=lambda parts: parts.put(name, np.roll(parts.tensors[name].data, 1, axis=0)),
    )


def block_doubled(layer: int) -> Fault:
    """One block's scale doubled."""
    name = f"blk.{layer}.ffn_down.weight"
    return Fault(
        name="one block's scale doubled",
        what=f"32 numbers of ffn_down of layer {layer} are twice as large",
        site=("ffn_out", layer),
        in_file=lambda parts: in_block(parts, name, 40, 3, 2.0),
    )


def row_copied(layer: int) -> Fault:
    """One row of a matrix is a copy of the row before it."""
    name = f"blk.{layer}.attn_output.weight"
    order = np.arange(HIDDEN)
    order[31] = 30
    return Fault(
        name="one row copied",
        what=f"row 31 of attn_output of layer {layer} is a copy of row 30",
        site=("attn_out", layer),
        in_file=lambda parts: moved_rows(parts, (name,), order),
    )


def unused_row_copied() -> Fault:
    """A row of the vocabulary that the prompt does not name."""
    order = np.arange(VOCABULARY)
    unused = next(token for token in range(1, VOCABULARY) if token not in prompt(0))
    order[unused] = unused - 1
    return Fault(
        name="row of an absent token",
        what="the embedding of a token that the prompt does not hold is a copy of another",
        site=("embedding", None),
        in_file=lambda parts: moved_rows(parts, ("token_embd.weight",), order),
    )


def theta() -> Fault:
    """Another base of the rotation."""
    return Fault(
        name="RoPE theta",
        what="the base of the rotation is 10,000 instead of 1,000,000",
        site=("q_rope", 0),
        in_file=lambda parts: parts.said("qwen2.rope.freq_base", 1e4),
    )


def epsilon() -> Fault:
    """Another epsilon of the norms."""
    return Fault(
        name="norm epsilon",
        what="the epsilon of the norms is 1e-5 instead of 1e-6",
        site=("attn_norm", 0),
        in_file=lambda parts: parts.said("qwen2.attention.layer_norm_rms_epsilon", 1e-5),
    )


def tile_transposed(layer: int) -> Fault:
    """A tile of a matrix is transposed."""
    name, tile = f"blk.{layer}.attn_output.weight", (slice(32, 64), slice(64, 96))

    def change(parts: Parts) -> Parts:
        data = parts.tensors[name].data.copy()
        data[tile] = data[tile].T.copy()
        return parts.put(name, data)

    return Fault(
        name="transposed tile",
        what=f"a tile of 32 by 32 of attn_output of layer {layer} is transposed",
        site=("attn_out", layer),
        in_file=change,
    )


def gate_up_swapped(layer: int) -> Fault:
    """Gate and up change places."""
    gate, up = (f"blk.{layer}.ffn_{name}.weight" for name in ("gate", "up"))
    return Fault(
        name="swapped gate and up",
        what=f"ffn_gate and ffn_up of layer {layer} change places",
        site=("ffn_gate", layer),
        in_file=lambda parts: parts.placed(gate, parts.tensors[up]).placed(up, parts.tensors[gate]),
    )


def other_layer(layer: int, source: int) -> Fault:
    """A tensor is another layer's."""
    here, there = (f"blk.{at}.ffn_down.weight" for at in (layer, source))
    return Fault(
        name="tensor of another layer",
        what=f"ffn_down of layer {layer} is that of layer {source}",
        site=("ffn_out", layer),
        in_file=lambda parts: parts.placed(here, parts.tensors[there]),
    )


def nan_block(layer: int) -> Fault:
    """A block that is NaN."""
    name = f"blk.{layer}.ffn_up.weight"
    return Fault(
        name="NaN in one block",
        what=f"32 numbers of ffn_up of layer {layer} are NaN",
        site=("ffn_up", layer),
        in_file=lambda parts: in_block(parts, name, 100, 1, np.nan),
    )


def bit_flipped(layer: int) -> Fault:
    """The last bit of one block's scale."""
    name = f"blk.{layer}.ffn_gate.weight"

    def change(parts: Parts) -> Parts:
        data = parts.tensors[name].data.copy()
        data[200, 2 * BLOCK_BYTES[parts.tensors[name].kind]] ^= 1
        return parts.put(name, data)

    return Fault(
        name="one bit of a scale",
        what=f"the last bit of one block's scale in ffn_gate of layer {layer} is flipped",
        site=("ffn_gate", layer),
        in_file=change,
    )
