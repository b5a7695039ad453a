"""A pass of ours against the nodes that llama.cpp printed of the same pass.

Only the ends of rows and the sum of each node are printed, so this is no comparison of traces: it
has no sketch. But it needs nothing from the other side but its output. Distances are in units of
our own values' std at that point; the printed precision is taken off first.
"""

from collections.abc import Mapping

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.architectures import Model
from ml.errors import MalformedTrace
from ml.llama_cpp_nodes import PRECISION, Node, printed
from ml.points import Place

#: Points that a permuted file's q and k have another order of channels at.
_TURNED = frozenset(f"{name}_{stage}" for name in "qk" for stage in ("matmul", "bias", "rope"))


@frozen(kw_only=True)
class NodeComparison:
    """One node beside our values."""

    point: str
    layer: int | None
    node: str
    """Its name in llama.cpp."""
    rows: int
    """Tokens it holds; llama.cpp keeps the last one alone behind its last layer."""
    values: int
    """Printed values that were compared."""
    rms: float
    """rms of the differences beyond print precision, over our std."""
    largest: float
    """The largest of them, over our std."""
    sum: float
    """Difference of the sums, over our sum of magnitudes."""


def compare_nodes(
    model: Model, tensors: Mapping[Place, NDArray[np.float32]], nodes: Mapping[Place, Node]
) -> tuple[NodeComparison, ...]:
    """Compare each node with the activation of its point, in the order of `tensors`.

    `tensors` are `float32 [tokens, width]`. Raises `MalformedTrace` where shapes do not fit: other
    token ids, or another model.
    """
    return tuple(
        _compare(model, place, ours, nodes[place])
        for place, ours in tensors.items()
        if place in nodes
    )


def _compare(model: Model, place: Place, ours: NDArray[np.float32], node: Node) -> NodeComparison:
    point, layer = place
    shape = node.shape[::-1]
    held = ours.astype(np.float64)
    if model.is_permuted and point in _TURNED:
        held = _turned(held, model.config.head_dim)
    if held.size != np.prod(shape):
        held = held[-1:]
    if held.size != np.prod(shape):
        raise MalformedTrace(
            f"{node.name} (line {node.line}) has the shape {list(node.shape)}, and {point} of "
            f"layer {layer} has {list(ours.shape)}",
            hint="give both the same model and the same token ids",
        )
    theirs = np.array(node.values)
    mine = printed(held.reshape(shape))
    difference = np.maximum(np.abs(mine - theirs) - PRECISION, 0.0)
    difference[np.isnan(mine) != np.isnan(theirs)] = np.inf
    difference[np.isnan(mine) & np.isnan(theirs)] = 0.0
    std, magnitude = float(held.std()) or 1.0, float(np.abs(held).sum()) or 1.0
    return NodeComparison(
        point=point,
        layer=layer,
        node=node.name,
        rows=len(held),
        values=mine.size,
        rms=float(np.sqrt((difference**2).mean())) / std,
        largest=float(difference.max()) / std,
        sum=abs(float(held.sum()) - node.sum) / magnitude,
    )


def _turned(values: NDArray[np.float64], head_dim: int) -> NDArray[np.float64]:
    """Return `[tokens, heads * head_dim]` with neighbours as pairs, as the file has its rows."""
    halves = values.reshape(len(values), -1, 2, head_dim // 2)
    return halves.swapaxes(2, 3).reshape(len(values), -1)
