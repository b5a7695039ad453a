"""Captured values while they are on the device, and their one way from there to the host."""

import numpy as np
from attrs import define
from numpy.typing import NDArray
from tinygrad import Tensor

from ml import points
from ml.engines.base import Capture, EngineResult, Request
from ml.engines.device_rows import gather
from ml.rows import COLUMNS
from ml.tinygrad_devices import observed_device


@define
class Seen:
    """A captured value, still on the device."""

    point: points.Point
    layer: int | None
    width: int
    value: Tensor | None
    """`float32 [tokens, width]`; None once nothing needs it any more."""


def take_home(
    request: Request,
    seen: list[Seen],
    rows: list[Tensor],
    computed: Tensor,
    generated: tuple[int, ...] = (),
) -> EngineResult:
    """Copy rows, values and the last token's logits to the host, at once.

    `rows` are `float32 [values, tokens, 74]`, in pieces, for all that was seen, in its order.
    `computed` is realised, and ends with the last token's logits, `[vocabulary]`.
    """
    vocabulary = request.model.config.vocabulary
    logits = computed.flatten()[-vocabulary:].contiguous().realize()
    parts = [piece.flatten() for piece in rows]
    if request.keep_tensors:
        parts += [one.value.flatten() for one in seen if one.value is not None]
    host = gather([*parts, logits])
    return EngineResult(
        captures=tuple(_cut(request, seen, host)),
        logits=host[-vocabulary:].copy(),
        device=observed_device(computed),
        generated=generated,
    )


def _cut(request: Request, seen: list[Seen], host: NDArray[np.float32]) -> list[Capture]:
    """Cut the one array from the device into the captures it was joined from."""
    tokens, offset = request.positions, 0
    rows: list[NDArray[np.float32] | None] = [None] * len(seen)
    tensors = rows.copy()
    if request.statistics:
        for i in range(len(seen)):
            rows[i] = host[offset : offset + tokens * COLUMNS].reshape(tokens, COLUMNS)
            offset += tokens * COLUMNS
    if request.keep_tensors:
        for i, one in enumerate(seen):
            size = tokens * one.width
            tensors[i] = host[offset : offset + size].reshape(tokens, -1)
            offset += size
    return [
        Capture(point=one.point, layer=one.layer, width=one.width, rows=r, tensor=t)
        for one, r, t in zip(seen, rows, tensors, strict=True)
    ]
