"""Values that a pass goes on with in place of its own, so that each operation is seen by itself.

With every point of another pass forced, each operation here starts from that pass's inputs: what
then still differs at a point is the operation's own doing, not inherited from before it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml import points
from ml.errors import BadOption, UnknownPoint

# (point id, layer or None for a point of the model) -> `float32 [tokens, width]`
Forced = Mapping[tuple[str, int | None], NDArray[np.float32]]


def check_forced(forced: Forced, *, tokens: int, layers: int) -> None:
    """Check what can be checked before the pass; widths are checked where each is met.

    Raises `UnknownPoint` for a place that the model does not have, `BadOption` for a value that is
    not `float32 [tokens, width]`.
    """
    if not forced:
        return
    places = {(point.id, layer) for point, layer in points.in_order(points.ALL_POINTS, layers)}
    unknown = [place(name, layer) for name, layer in forced if (name, layer) not in places]
    if unknown:
        raise UnknownPoint(
            f"nothing can be forced at {', '.join(sorted(unknown))}",
            hint=f"this model has {layers} layers, and the points are: {', '.join(points.BY_ID)}",
        )
    for (name, layer), value in forced.items():
        if value.dtype != np.float32 or value.ndim != 2 or len(value) != tokens:
            raise BadOption(
                f"the value forced at {place(name, layer)} is {value.dtype} {list(value.shape)}, "
                f"and the pass needs float32 [{tokens}, channels]",
                hint="take it from a pass over the same token ids, all rows",
            )


def fitting(
    value: NDArray[np.float32], name: str, layer: int | None, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the value if it has the shape of the pass's own; else raise `BadOption`."""
    if value.shape != shape:
        raise BadOption(
            f"the value forced at {place(name, layer)} is {list(value.shape)}, "
            f"and the model computes {list(shape)} there",
            hint="take it from a model of the same shape",
        )
    return value


def place(name: str, layer: int | None) -> str:
    """Return a point of a layer in words, such as `layer 3 ffn_up`, or `logits`."""
    return name if layer is None else f"layer {layer} {name}"
