"""One layer of the decoder in tinygrad, as training sees it: `[windows, tokens, channels]`.

Products are computed in the run's type and summed in float32; norms, softmax and the residual
stream are float32.
"""

from collections.abc import Mapping

import numpy as np
from attrs import field, frozen
from tinygrad import Tensor, dtypes
from tinygrad.dtype import DType

from ml.rope import tables
from ml.training.presets import Preset
from ml.training.settings import Settings

Weights = Mapping[str, Tensor]


@frozen(kw_only=True)
class Rotation:
    """Cosines and sines `float32 [1, tokens, 1, head_dim / 2]`, and which tokens each one sees."""

    cos: Tensor = field(repr=False)
    sin: Tensor = field(repr=False)
    visible: Tensor = field(repr=False)
    """`bool [tokens, tokens]`."""


def make_rotation(preset: Preset, sequence: int, device: str) -> Rotation:
    """Return the tables of a window, by the one rule for angles (`ml.rope`)."""
    positions = np.arange(sequence, dtype=np.int64)
    cos, sin = tables(positions, preset.head_dim, preset.rope_theta)
    shape = (1, sequence, 1, preset.head_dim // 2)
    visible = np.tril(np.ones((sequence, sequence), dtype=np.bool_))
    return Rotation(
        cos=Tensor(cos, device=device).reshape(shape).contiguous().realize(),
        sin=Tensor(sin, device=device).reshape(shape).contiguous().realize(),
        visible=Tensor(visible, device=device).contiguous().realize(),
    )


def compute_dtype(settings: Settings) -> DType:
    """Return tinygrad's type of the run's products."""
    return {"float32": dtypes.float32, "bfloat16": dtypes.bfloat16}[settings.compute]


def product(x: Tensor, weight: Tensor, dtype: DType) -> Tensor:
    """Return `x @ weightᵀ` of `[…, in]` and `[out, in]`, float32."""
    return x.cast(dtype).dot(weight.cast(dtype).transpose(), dtype=dtypes.float32)


def settled(x: Tensor) -> Tensor:
    """Return x as a buffer of its own, and its gradient as one too.

    What is computed on the way into a product would else be computed again for each of its
    elements: the step of a small model took two and a half times as long.
    """
    return x.contiguous().contiguous_backward()


def norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Return x / sqrt(mean(x²) + epsilon) · weight, channel by channel."""
    return x * ((x * x).mean(-1, keepdim=True) + epsilon).rsqrt() * weight


def rotate(x: Tensor, at: Rotation) -> Tensor:
    """Apply RoPE to `[windows, tokens, heads, head_dim]`."""
    half = int(x.shape[-1]) // 2
    first, second = x[..., :half], x[..., half:]
    return (first * at.cos - second * at.sin).cat(second * at.cos + first * at.sin, dim=-1)


def attention(x: Tensor, w: Weights, at: Rotation, preset: Preset, dtype: DType) -> Tensor:
    """Return what attention adds to the stream `[windows, tokens, hidden]`."""
    windows, tokens, _ = x.shape
    heads, kv, width = preset.heads, preset.kv_heads, preset.head_dim
    normed = settled(norm(x, w["attn_norm"], preset.epsilon))
    q = rotate(product(normed, w["attn_q"], dtype).reshape(windows, tokens, heads, width), at)
    k = rotate(product(normed, w["attn_k"], dtype).reshape(windows, tokens, kv, width), at)
    v = product(normed, w["attn_v"], dtype).reshape(windows, tokens, kv, width)
    # Query heads are grouped by the kv head they share.
    q = q.reshape(windows, tokens, kv, heads // kv, width).permute(0, 2, 3, 1, 4)
    q = settled(q).cast(dtype)
    k = settled(k.permute(0, 2, 3, 1)).unsqueeze(2).cast(dtype)
    v = settled(v.permute(0, 2, 1, 3)).unsqueeze(2).cast(dtype)
    scores = q.dot(k, dtype=dtypes.float32) * width**-0.5
    shares = at.visible.where(scores, -float("inf")).softmax(-1)
    mixed = shares.cast(dtype).dot(v, dtype=dtypes.float32)
    joined = mixed.permute(0, 3, 1, 2, 4).reshape(windows, tokens, heads * width)
    return product(settled(joined), w["attn_output"], dtype)


def feed_forward(x: Tensor, w: Weights, preset: Preset, dtype: DType) -> Tensor:
    """Return what the feed-forward adds to the stream `[windows, tokens, hidden]`."""
    normed = settled(norm(x, w["ffn_norm"], preset.epsilon))
    gate = settled(product(normed, w["ffn_gate"], dtype))
    up = settled(product(normed, w["ffn_up"], dtype))
    return product(settled(gate.silu() * up), w["ffn_down"], dtype)


def layer(x: Tensor, w: Weights, at: Rotation, preset: Preset, dtype: DType) -> Tensor:
    """Return the stream behind a layer, `float32 [windows, tokens, hidden]`."""
    x = x + attention(x, w, at, preset, dtype)
    return x + feed_forward(x, w, preset, dtype)
