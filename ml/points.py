"""The capture points: where in a forward pass a trace looks, in the order of computation.

ONE table. The human page is spec/formats/points.md, and a test compares the two. Rows are tokens,
channels are in Hugging Face order: heads outermost, rotate-half pairs inside a head.

An engine materialises every point that is not derived, whether or not anybody looks at it, so that
looking changes no number. A derived point is computed from others, for the trace alone.
"""

import fnmatch
from collections.abc import Iterable
from enum import Enum

from attrs import frozen

from ml.errors import UnknownPoint

TOKENS_BY_CHANNELS = "[token, channel]"
TOKENS_BY_HEADS = "[token, head*head_dim], heads outermost, rotate-half pairs"
TOKENS_BY_KV_HEADS = "[token, kv_head*head_dim], heads outermost, rotate-half pairs, unrepeated"
TOKENS_BY_QKV = "[token, q then k then v], each heads outermost, rotate-half pairs"
TOKENS_BY_VOCABULARY = "[token, vocabulary id]"


#: A point of a layer; None for the layer of a point of the model.
Place = tuple[str, int | None]


class Scope(Enum):
    """Whether a point exists once a model or once a layer."""

    MODEL = "model"
    LAYER = "layer"


@frozen(kw_only=True)
class Point:
    """One row of the table."""

    id: str
    scope: Scope
    boundary: str
    """Between which operations the value is taken, in words; part of a trace's identity."""
    layout: str
    """What a row and a channel are; part of a trace's identity."""
    derived: bool = False
    """Computed from other points for the trace, because an engine may fuse it away."""
    seeds: bool = False
    """One of the ten points that the seed system traces."""


def _layer(
    name: str,
    boundary: str,
    layout: str = TOKENS_BY_CHANNELS,
    *,
    derived: bool = False,
    seeds: bool = False,
) -> Point:
    return Point(
        id=name, scope=Scope.LAYER, boundary=boundary, layout=layout, derived=derived, seeds=seeds
    )


def _model(name: str, boundary: str, layout: str = TOKENS_BY_CHANNELS) -> Point:
    return Point(id=name, scope=Scope.MODEL, boundary=boundary, layout=layout)


POINTS: tuple[Point, ...] = (
    _model("embedding", "rows of token_embd, before the first layer"),
    _layer("attn_norm", "after the norm before attention and its weight", seeds=True),
    _layer("q_matmul", "after the q projection, before its bias", TOKENS_BY_HEADS),
    _layer("k_matmul", "after the k projection, before its bias", TOKENS_BY_KV_HEADS),
    _layer("v_matmul", "after the v projection, before its bias", TOKENS_BY_KV_HEADS),
    _layer("q_bias", "after the q bias, before RoPE", TOKENS_BY_HEADS),
    _layer("k_bias", "after the k bias, before RoPE", TOKENS_BY_KV_HEADS),
    _layer("v_bias", "after the v bias, before the cache", TOKENS_BY_KV_HEADS),
    _layer(
        "qkv",
        "q, k and v after their biases, before RoPE, side by side",
        TOKENS_BY_QKV,
        derived=True,
        seeds=True,
    ),
    _layer("q_rope", "q after RoPE, before the attention scores", TOKENS_BY_HEADS),
    _layer("k_rope", "k after RoPE, before the cache", TOKENS_BY_KV_HEADS),
    _layer("attn_mix", "values mixed by attention, before the o projection", TOKENS_BY_HEADS),
    _layer("attn_out", "after the o projection, before the residual", seeds=True),
    _layer("attn_residual", "after the residual of attention"),
    _layer("ffn_norm", "after the norm before the feed-forward and its weight", seeds=True),
    _layer("ffn_gate", "after the gate projection, before silu", seeds=True),
    _layer("ffn_up", "after the up projection", seeds=True),
    _layer("ffn_silu", "silu of the gate, before times up", derived=True, seeds=True),
    _layer("ffn_swigl", "silu of the gate, times up", seeds=True),
    _layer("ffn_out", "after the down projection, before the residual", seeds=True),
    _layer("output", "after the residual of the feed-forward: the layer's output", seeds=True),
    _model("final_norm", "after the last norm and its weight"),
    _model("logits", "after the output projection", TOKENS_BY_VOCABULARY),
)

BY_ID = {point.id: point for point in POINTS}
ALL_POINTS = frozenset(BY_ID)
SEED_POINTS = frozenset(point.id for point in POINTS if point.seeds)
MODEL_POINTS = frozenset(point.id for point in POINTS if point.scope is Scope.MODEL)
DEFAULT_POINTS = SEED_POINTS | MODEL_POINTS


def select(names: Iterable[str] | None) -> frozenset[str]:
    """Return the points to capture; None means the seeds' ten and the model's three.

    A name may be a pattern, such as `q_*`. Raises `UnknownPoint` for names that are not in the
    table, for patterns that fit none in it, and for an empty selection.

    >>> sorted(select(["q_*", "output"]))
    ['output', 'q_bias', 'q_matmul', 'q_rope']
    """
    if names is None:
        return DEFAULT_POINTS
    found = {name: fnmatch.filter(BY_ID, name) for name in names}
    unknown = sorted(name for name, points in found.items() if not points)
    if unknown or not found:
        raise UnknownPoint(
            f"no capture point is named {', '.join(unknown)}" if unknown else "no point was chosen",
            hint=f"the points are: {', '.join(BY_ID)}",
        )
    return frozenset(point for points in found.values() for point in points)


def in_order(chosen: frozenset[str], layers: int) -> tuple[tuple[Point, int | None], ...]:
    """Return (point, layer) in computation order; the layer of a model point is None."""
    first = POINTS.index(next(point for point in POINTS if point.scope is Scope.LAYER))
    before = [(point, None) for point in POINTS[:first] if point.id in chosen]
    inside = [
        (point, layer)
        for layer in range(layers)
        for point in POINTS
        if point.scope is Scope.LAYER and point.id in chosen
    ]
    after = [
        (point, None)
        for point in POINTS[first:]
        if point.scope is Scope.MODEL and point.id in chosen
    ]
    return (*before, *inside, *after)
