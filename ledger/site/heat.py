"""The heat map of a trace: a table of spreads, layer by layer and point by point.

The shade of a cell says how its spread compares with the others of its point, on a scale of
doublings; the number stands in it, so that nothing is told by colour alone.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

#: So many shades; CSS has a rule for each.
SHADES: Final = 8


def heat_table(points: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Layers across, points down, the standard deviation in each cell; None for no layers."""
    kept = [point for point in points if point["layer"] is not None and point["scope"] == "all"]
    if not kept:
        return None
    layers = sorted({int(point["layer"]) for point in kept})
    values: dict[str, dict[int, Any]] = {}
    for point in kept:
        values.setdefault(str(point["point"]), {})[int(point["layer"])] = point["std"]
    lines = []
    for name, by_layer in values.items():
        shades = _shades([by_layer.get(layer) for layer in layers])
        cells = [
            {"value": by_layer.get(layer), "shade": shade}
            for layer, shade in zip(layers, shades, strict=True)
        ]
        lines.append({"point": name, "cells": cells})
    return {"layers": layers, "lines": lines}


def _shades(values: Sequence[Any]) -> list[int | None]:
    """The shade of each value: half a doubling a shade, the least of the line lightest."""
    sizes = [
        math.log2(value) if isinstance(value, (int, float)) and 0 < value < math.inf else None
        for value in values
    ]
    least = min((size for size in sizes if size is not None), default=0.0)
    return [
        None if size is None else min(SHADES - 1, int(2 * (size - least) + 1e-9)) for size in sizes
    ]
