"""Faults that lie in the pass: operations of the port that do something else."""

import numpy as np
from fault_base import Fault
from fault_models import BLOCK, HEAD_DIM
from fault_port import EVERY, At, Operation, attend, heads_of, mixed, normalised, rotated


def slip(point: str, layer: int | None, operation: Operation, *, name: str, what: str) -> Fault:
    """A fault in the operation that makes a point, in one layer or in every one."""
    return Fault(
        name=name,
        what=what,
        site=(point, 0 if layer == EVERY else layer),
        in_pass={(point, layer): operation},
    )


def bias_dropped(name: str, layer: int) -> Fault:
    """A bias is not added."""
    return slip(
        f"{name}_bias",
        layer,
        lambda _at, x: x,
        name=f"{name} bias dropped",
        what=f"the bias of {name} is not added in layer {layer}",
    )


def token_off_by_one() -> Fault:
    """Every position reads the token before its own."""

    def embed(at: At, ids: np.ndarray) -> np.ndarray:
        return at.weight("token_embd.weight")[np.concatenate([ids[:1], ids[:-1]])]

    return slip(
        "embedding",
        None,
        embed,
        name="off-by-one token",
        what="each position but the first reads the token before its own",
    )


# Rotation: q and k slip together, in every layer.


def turned(turn: Operation, *, name: str, what: str) -> Fault:
    """Turn both q and k otherwise."""
    return Fault(
        name=name,
        what=what,
        site=("q_rope", 0),
        in_pass={("q_rope", EVERY): turn, ("k_rope", EVERY): turn},
    )


def adjacent_pairs() -> Fault:
    """RoPE pairs a head's channels 2i and 2i + 1."""

    def turn(at: At, x: np.ndarray) -> np.ndarray:
        theta, half = at.model.config.rope_theta, HEAD_DIM // 2
        halves = x.reshape(len(x), -1, half, 2).swapaxes(2, 3).reshape(x.shape)
        out = rotated(halves, np.arange(len(x)), HEAD_DIM, theta)
        return out.reshape(len(x), -1, 2, half).swapaxes(2, 3).reshape(x.shape)

    return turned(
        turn, name="RoPE convention", what="channels 2i and 2i + 1 are a pair, not i and i + d/2"
    )


def positions_from_one() -> Fault:
    """Positions begin with 1: no logit changes."""

    def turn(at: At, x: np.ndarray) -> np.ndarray:
        return rotated(x, np.arange(1, len(x) + 1), HEAD_DIM, at.model.config.rope_theta)

    return turned(
        turn, name="positions from one", what="positions begin with 1, which no logit shows"
    )


# Attention.


def wrong_groups() -> Fault:
    """Query head h reads kv head h mod kv_heads."""

    def mix(_at: At, *qkv: np.ndarray) -> np.ndarray:
        q, k, v = (heads_of(x, HEAD_DIM) for x in qkv)
        shared = np.arange(len(q)) % len(k)
        return mixed(q, k[shared], v[shared], HEAD_DIM**-0.5)

    return slip(
        "attn_mix",
        EVERY,
        mix,
        name="wrong GQA mapping",
        what="query head h reads kv head h mod 2, not h // 2",
    )


def stale_slot(layer: int, slot: int = 20) -> Fault:
    """A slot of the cache holds what the one before it does."""

    def mix(at: At, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        kept = np.arange(len(k))
        kept[slot] = slot - 1
        return attend(at, q, k[kept], v[kept])

    return slip(
        "attn_mix",
        layer,
        mix,
        name="stale cache slot",
        what=f"slot {slot} of layer {layer}'s cache still holds the token before",
    )


def head_order(layer: int) -> Fault:
    """Heads innermost in what attention gives."""

    def mix(at: At, *qkv: np.ndarray) -> np.ndarray:
        out = attend(at, *qkv)
        return heads_of(out, HEAD_DIM).transpose(1, 2, 0).reshape(out.shape)

    return slip(
        "attn_mix",
        layer,
        mix,
        name="wrong head order",
        what=f"attention of layer {layer} gives its heads innermost",
    )


def scaled_twice() -> Fault:
    """Scores divided by the head's width, not by its root."""

    def mix(at: At, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        return attend(at, q * HEAD_DIM**-0.5, k, v)

    return slip(
        "attn_mix",
        EVERY,
        mix,
        name="double scaling",
        what="scores are divided by √d twice",
    )


def sees_ahead() -> Fault:
    """The causal mask lets one token too many through."""

    def mix(_at: At, *qkv: np.ndarray) -> np.ndarray:
        q, k, v = (heads_of(x, HEAD_DIM) for x in qkv)
        shared = np.arange(len(q)) // (len(q) // len(k))
        return mixed(q, k[shared], v[shared], HEAD_DIM**-0.5, ahead=1)

    return slip(
        "attn_mix", EVERY, mix, name="mask off by one", what="a token sees the one behind it"
    )


def window(width: int = 32) -> Fault:
    """Attention reaches back only so far, which loses the first token."""

    def mix(at: At, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        parts = []
        for last in range(len(q)):
            seen = slice(max(0, last + 1 - width), last + 1)
            parts.append(attend(at, q[seen], k[seen], v[seen])[-1])
        return np.stack(parts)

    return slip(
        "attn_mix",
        EVERY,
        mix,
        name="window that nobody asked for",
        what=f"a token sees the last {width} only",
    )


def half_cache() -> Fault:
    """K and V are rounded to f16 on the way."""

    def mix(at: At, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        return attend(at, q, *(x.astype(np.float16).astype(np.float64) for x in (k, v)))

    return slip(
        "attn_mix",
        EVERY,
        mix,
        name="cache in f16",
        what="K and V are kept in f16, and the trace says f32",
    )


# The rest of a layer, and of the model.


def norm_in_half(layer: int) -> Fault:
    """The sum of squares is taken in f16, and overflows where a row is large."""

    def norm(at: At, x: np.ndarray) -> np.ndarray:
        square = (x**2).sum(axis=1, keepdims=True).astype(np.float16).astype(np.float64)
        scale = np.sqrt(square / x.shape[1] + at.model.config.norm_epsilon)
        return x / scale * at.weight("attn_norm.weight")

    return slip(
        "attn_norm",
        layer,
        norm,
        name="fp16 overflow",
        what=f"the norm of layer {layer} sums squares in f16: over 65,504 the row becomes 0",
    )


def norm_plus_one(layer: int) -> Fault:
    """The norm's weight is taken to be stored less 1."""

    def norm(at: At, x: np.ndarray) -> np.ndarray:
        return normalised(x, at.model.config.norm_epsilon) * (1 + at.weight("ffn_norm.weight"))

    return slip(
        "ffn_norm",
        layer,
        norm,
        name="norm weight plus one",
        what=f"ffn_norm of layer {layer} multiplies by 1 + weight",
    )


def residual_lost(layer: int) -> Fault:
    """The branch of attention goes on without the stream."""
    return slip(
        "attn_residual",
        layer,
        lambda _at, _x, branch: branch,
        name="residual lost",
        what=f"the stream is not added behind the attention of layer {layer}",
    )


def product_in_half(layer: int) -> Fault:
    """A product beyond what f16 can hold."""
    return slip(
        "ffn_swigl",
        layer,
        lambda _at, a, b: (a * b).astype(np.float16).astype(np.float64),
        name="fp16 overflow",
        what=f"ffn_swigl of layer {layer} is kept in f16: over 65,504 it is infinite",
    )


def block_misread(layer: int) -> Fault:
    """The kernel reads one block's scale twice as large, and the file is right."""

    def project(at: At, x: np.ndarray) -> np.ndarray:
        weight = at.weight("ffn_down.weight")
        weight[40, 3 * BLOCK : 4 * BLOCK] *= 2
        return x @ weight.T

    return slip(
        "ffn_out",
        layer,
        project,
        name="one block misread",
        what=f"the product of ffn_down of layer {layer} takes one block for twice as large",
    )


def row_misread(layer: int) -> Fault:
    """The kernel reads the row before in the place of one, and the file is right."""

    def project(at: At, x: np.ndarray) -> np.ndarray:
        out = x @ at.weight("attn_output.weight").T
        out[:, 31] = out[:, 30]
        return out

    return slip(
        "attn_out",
        layer,
        project,
        name="one row misread",
        what=f"the product of attn_output of layer {layer} takes row 30 for row 31",
    )


def other_activation() -> Fault:
    """GELU in the place of silu."""

    def gelu(_at: At, x: np.ndarray) -> np.ndarray:
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    return slip("ffn_silu", EVERY, gelu, name="gelu for silu", what="the gate goes through gelu")


def clipped(layer: int, most: float = 448.0) -> Fault:
    """The stream is cut off where an 8-bit float ends."""
    return slip(
        "output",
        layer,
        lambda _at, x, branch: np.clip(x + branch, -most, most),
        name="clipped stream",
        what=f"the output of layer {layer} is clipped at {most:.0f}, the end of fp8 e4m3",
    )


def no_final_norm() -> Fault:
    """The last norm is not there."""
    return slip(
        "final_norm",
        None,
        lambda _at, x: x,
        name="missing final norm",
        what="the stream goes to the output projection as it is",
    )


def last_row_lost() -> Fault:
    """The last row of the vocabulary is never computed."""

    def project(at: At, x: np.ndarray) -> np.ndarray:
        out = x @ at.weight("output.weight").T
        out[:, -1] = 0
        return out

    return slip(
        "logits",
        None,
        project,
        name="tail of the vocabulary",
        what="the logit of the last token id is never written and stays 0",
    )
