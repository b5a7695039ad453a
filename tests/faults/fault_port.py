"""A port of the forward pass as somebody else might write it, in which any operation can slip.

One table: a row a capture point, with the operation that makes it and the points it is made from.
It is a reading of its own (numpy, float64), and equals engine `numpy` where nothing slips. A slip
puts another operation in the place of one, in one layer or in all.
"""

from collections.abc import Callable, Mapping

import attrs
import numpy as np

from ml import quant_types
from ml.architectures import Model
from ml.points import ALL_POINTS, in_order

#: A point and its layer; None for a point of the model.
Stage = tuple[str, int | None]
#: In a slip, in place of a layer: in every one.
EVERY = -1

#: Takes the port at a stage, and what the points before it gave; all are `[tokens, width]`.
Operation = Callable[..., np.ndarray]


@attrs.frozen(kw_only=True)
class Port:
    """One pass over token ids."""

    model: Model
    ids: tuple[int, ...]
    slips: Mapping[Stage, Operation] = {}
    forced: Mapping[Stage, np.ndarray] = {}
    """Values to go on with, as `ml.engines.base.Request.forced`."""

    def run(self) -> dict[Stage, np.ndarray]:
        """Every point's `float32 [tokens, width]`, in computation order."""
        captured: dict[Stage, np.ndarray] = {}
        values = {"ids": np.array(self.ids)}
        for point, layer in in_order(ALL_POINTS, self.model.config.layers):
            operation, inputs = OPERATIONS[point.id]
            stage = (point.id, layer)
            operation = self.slips.get(stage, self.slips.get((point.id, EVERY), operation))
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                value = operation(At(self.model, layer), *(values[name] for name in inputs))
                captured[stage] = value.astype(np.float32)
            values[point.id] = self.forced.get(stage, value).astype(np.float64)
            if point.id in ("embedding", "output"):
                values["stream"] = values[point.id]
        return captured


@attrs.frozen
class At:
    """The model, seen from a layer."""

    model: Model
    layer: int | None

    def weight(self, name: str) -> np.ndarray:
        """A tensor of the layer, or one of the model, as `float64`."""
        full = name if self.layer is None else f"blk.{self.layer}.{name}"
        tensor = self.model.tensors[full]
        data = self.model.container.tensor_bytes(full)
        numbers = quant_types.decode(tensor.quant_type, data, tensor.shape, tensor=full)
        return numbers.astype(np.float64)


def embed(at: At, ids: np.ndarray) -> np.ndarray:
    """Rows of the embedding."""
    return at.weight("token_embd.weight")[ids]


def normalised(x: np.ndarray, epsilon: float) -> np.ndarray:
    """Rows divided by their root mean square."""
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + epsilon)


def norm(name: str) -> Operation:
    """RMS norm with the weight of this name."""
    return lambda at, x: normalised(x, at.model.config.norm_epsilon) * at.weight(f"{name}.weight")


def project(name: str) -> Operation:
    """Product with the matrix of this name."""
    return lambda at, x: np.einsum("ti,oi->to", x, at.weight(f"{name}.weight"), optimize=True)


def shift(name: str) -> Operation:
    """Plus the bias of this name."""
    return lambda at, x: x + at.weight(f"{name}.bias")


def joined(_at: At, *parts: np.ndarray) -> np.ndarray:
    """Side by side."""
    return np.concatenate(parts, axis=1)


def rotated(x: np.ndarray, positions: np.ndarray, width: int, theta: float) -> np.ndarray:
    """Rotate-half RoPE as a complex product: channel i and i + d/2 of a head are one number."""
    half = width // 2
    angles = positions[:, None] * theta ** (-np.arange(half) / half)
    cos, sin = (f(angles).astype(np.float32).astype(np.float64) for f in (np.cos, np.sin))
    heads = x.reshape(len(x), -1, 2, half)
    turned = (heads[:, :, 0] + 1j * heads[:, :, 1]) * (cos + 1j * sin)[:, None]
    return np.stack([turned.real, turned.imag], axis=2).reshape(x.shape)


def rotate(at: At, x: np.ndarray) -> np.ndarray:
    """RoPE at the positions from 0 on."""
    config = at.model.config
    return rotated(x, np.arange(len(x)), config.head_dim, config.rope_theta)


def heads_of(x: np.ndarray, width: int) -> np.ndarray:
    """`[heads, tokens, width]` of `[tokens, heads * width]`."""
    return x.reshape(len(x), -1, width).transpose(1, 0, 2)


def mixed(q: np.ndarray, k: np.ndarray, v: np.ndarray, scale: float, ahead: int = 0) -> np.ndarray:
    """Causal attention of `[heads, tokens, width]` each, as `[tokens, heads * width]`.

    A token sees `ahead` tokens behind itself too: 0 is right.
    """
    scores = np.einsum("hqd,hkd->hqk", q, k) * scale
    seen = np.tril(np.ones(scores.shape[1:], dtype=bool), ahead)
    scores = np.where(seen, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    out = np.einsum("hqk,hkd->qhd", weights, v)
    return out.reshape(len(out), -1)


def attend(at: At, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Grouped-query attention: consecutive query heads share a head of k and v."""
    config = at.model.config
    heads = [heads_of(x, config.head_dim) for x in (q, k, v)]
    group = config.heads // config.kv_heads
    k, v = (np.repeat(x, group, axis=0) for x in heads[1:])
    return mixed(heads[0], k, v, config.head_dim**-0.5)


def add(_at: At, x: np.ndarray, branch: np.ndarray) -> np.ndarray:
    """The residual."""
    return x + branch


def silu(_at: At, x: np.ndarray) -> np.ndarray:
    """Sigmoid of x, times x."""
    return x / (1 + np.exp(-x))


def times(_at: At, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Element by element."""
    return a * b


OPERATIONS: dict[str, tuple[Operation, tuple[str, ...]]] = {
    "embedding": (embed, ("ids",)),
    "attn_norm": (norm("attn_norm"), ("stream",)),
    "q_matmul": (project("attn_q"), ("attn_norm",)),
    "k_matmul": (project("attn_k"), ("attn_norm",)),
    "v_matmul": (project("attn_v"), ("attn_norm",)),
    "q_bias": (shift("attn_q"), ("q_matmul",)),
    "k_bias": (shift("attn_k"), ("k_matmul",)),
    "v_bias": (shift("attn_v"), ("v_matmul",)),
    "qkv": (joined, ("q_bias", "k_bias", "v_bias")),
    "q_rope": (rotate, ("q_bias",)),
    "k_rope": (rotate, ("k_bias",)),
    "attn_mix": (attend, ("q_rope", "k_rope", "v_bias")),
    "attn_out": (project("attn_output"), ("attn_mix",)),
    "attn_residual": (add, ("stream", "attn_out")),
    "ffn_norm": (norm("ffn_norm"), ("attn_residual",)),
    "ffn_gate": (project("ffn_gate"), ("ffn_norm",)),
    "ffn_up": (project("ffn_up"), ("ffn_norm",)),
    "ffn_silu": (silu, ("ffn_gate",)),
    "ffn_swigl": (times, ("ffn_silu", "ffn_up")),
    "ffn_out": (project("ffn_down"), ("ffn_swigl",)),
    "output": (add, ("attn_residual", "ffn_out")),
    "final_norm": (norm("output_norm"), ("stream",)),
    "logits": (project("output"), ("final_norm",)),
}
