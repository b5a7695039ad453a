"""All positions at once, in one causal batch.

Layers are realised one at a time: they are the same graph over other buffers, so tinygrad schedules
the first and finds the rest in its cache. Rows of all points stay on the device until the end.
"""

from typing import Final

import numpy as np
from attrs import define, field
from tinygrad import Tensor, dtypes

from ml import points, rope
from ml.engines.base import EngineResult, Request
from ml.engines.device_rows import AT_ONCE, DeviceRows
from ml.engines.tinygrad_attention import in_view
from ml.engines.tinygrad_captures import Seen, take_home
from ml.engines.tinygrad_graph import Graph, Weights

#: Captured values that wait for their rows, at the most.
_HELD_BYTES: Final = 1 << 28
CACHE_DTYPES = {"f32": dtypes.float32, "f16": dtypes.float16}


def prefill(request: Request, device: str, weights: Weights) -> EngineResult:
    """Compute every position of the request's ids in one pass."""
    config, batch = request.model.config, Prefill(request, device, DeviceRows(device))
    ids = Tensor(np.array(request.ids, dtype=np.int32), device=device).realize()
    positions = np.arange(len(request.ids), dtype=np.int64)
    tables = rope.tables(positions, config.head_dim, config.rope_theta, config.rope_scaling)
    cos, sin = (Tensor(table, device=device).realize() for table in tables)
    request.report("layer", 0, config.layers)
    logits = Graph(request=request, weights=weights, batch=batch).forward(ids, cos, sin)
    request.report("layer", config.layers, config.layers)
    batch.count_rows()
    return take_home(request, batch.seen, batch.found, logits)


@define
class Prefill:
    """A `Batch`: what was captured so far."""

    request: Request
    device: str
    rows: DeviceRows
    found: list[Tensor] = field(factory=list)
    """Rows of what was seen, in pieces."""
    seen: list[Seen] = field(factory=list)
    counted: int = 0
    """How many of those seen have their rows."""
    pending: list[Tensor] = field(factory=list)

    def point(self, name: str, layer: int | None, value: Tensor) -> Tensor:
        """Materialise a value `[tokens, width]`, note it if asked for, and return it.

        What comes back is what the pass goes on with: another value where one is forced.
        """
        derived, wanted = points.BY_ID[name].derived, name in self.request.points
        forced = self.request.forced_at(name, layer, tuple(int(size) for size in value.shape))
        if wanted or not derived:
            value = value.contiguous()
            self.pending.append(value)
        if wanted:
            self.seen.append(Seen(points.BY_ID[name], layer, int(value.shape[1]), value))
        return value if forced is None else Tensor(forced, device=self.device).realize()

    def settle(self, layer: int | None) -> None:
        """Realise what is pending, and the rows of what was captured once there is enough of it."""
        Tensor.realize(*self.pending)
        self.pending.clear()
        fresh = [one.value for one in self.seen[self.counted :] if one.value is not None]
        held = sum(4 * int(value.shape[0]) * int(value.shape[1]) for value in fresh)
        if len(fresh) + len(points.POINTS) > AT_ONCE or held > _HELD_BYTES:
            self.count_rows()
        layers = self.request.model.config.layers
        if layer is not None and layer + 1 < layers:
            self.request.report("layer", layer + 1, layers)

    def count_rows(self) -> None:
        """Compute the rows of what was captured since the last time, and let go of the values.

        Some layers at a time: a launch costs a card as much as a layer's statistics do.
        """
        fresh = [one.value for one in self.seen[self.counted :] if one.value is not None]
        self.counted = len(self.seen)
        if self.request.statistics and fresh:
            self.found += self.rows.rows(fresh)
        if not self.request.keep_tensors:
            for one in self.seen:
                one.value = None  # a long model must not hold every activation to the end

    def keep(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return keys and values as the cache rounds them, and the causal triangle or band."""
        cache, tokens = CACHE_DTYPES[self.request.kv], k.shape[0]
        # Written out, as a cache is: tinygrad folds a cast to f16 and back into nothing.
        keys, values = (t.cast(cache).contiguous().cast(dtypes.float32) for t in (k, v))
        rows, window = Tensor.arange(tokens), self.request.model.config.window(layer)
        visible = in_view(rows.reshape(tokens, 1), rows.reshape(1, tokens), window)
        return keys, values, visible
