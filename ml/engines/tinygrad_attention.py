"""Rotation and attention in tinygrad: over one token or many, and a cache of as many or more."""

from tinygrad import Tensor


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply RoPE to `[tokens, heads * head_dim]`; cos and sin are `[tokens, head_dim / 2]`."""
    tokens, width = x.shape
    half = int(cos.shape[1])
    heads = x.reshape(tokens, width // (2 * half), 2, half)
    first, second = heads[:, :, 0], heads[:, :, 1]  # [tokens, heads, half]
    c, s = cos.reshape(tokens, 1, half), sin.reshape(tokens, 1, half)
    turned = Tensor.stack(first * c - second * s, second * c + first * s, dim=2)
    return turned.reshape(tokens, width)


def attend(q: Tensor, k: Tensor, v: Tensor, visible: Tensor, head_dim: int) -> Tensor:
    """Return the values mixed by attention, `[tokens, heads * head_dim]`.

    `visible` says which positions of keys and values each token may see, `bool [tokens,
    positions]`. Query heads are grouped by the kv head they share: head h reads
    h // (heads / kv_heads).
    """
    tokens, positions = q.shape[0], k.shape[0]
    heads, kv_heads = q.shape[1] // head_dim, k.shape[1] // head_dim
    group = heads // kv_heads
    q = q.reshape(tokens, kv_heads, group, head_dim).permute(1, 2, 0, 3)
    k = k.reshape(positions, kv_heads, 1, head_dim).permute(1, 2, 3, 0)
    v = v.reshape(positions, kv_heads, 1, head_dim).permute(1, 2, 0, 3)
    scores = (q @ k) * head_dim**-0.5  # [kv_heads, group, tokens, positions]
    weights = visible.where(scores, -float("inf")).softmax(-1)
    return (weights @ v).permute(2, 0, 1, 3).reshape(tokens, heads * head_dim)


def in_view(here: Tensor, places: Tensor, window: int) -> Tensor:
    """Return which places a token may see, `bool`: its own, and those before it.

    With a window, only the last `window` of these.
    """
    causal = places <= here
    return causal & (here - places < window) if window else causal
