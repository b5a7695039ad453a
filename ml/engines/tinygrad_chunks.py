"""Many tokens of a prompt at once, into the cache that steps go on with.

A chunk has always as many tokens, so that its kernels are compiled once, whatever the prompt: a
prompt is as many whole chunks as there are in it, and the rest one by one. A product over many
rows sums in another order than over one, so logits differ from those of steps by rounding.
"""

from typing import Final

import numpy as np
from attrs import define, field
from numpy.typing import NDArray
from tinygrad import Tensor, TinyJit

from ml import points
from ml.engines.tinygrad_attention import in_view
from ml.engines.tinygrad_cache import Cache
from ml.engines.tinygrad_graph import Graph
from ml.engines.tinygrad_one_by_one import Steps, plain_kernels

#: Tokens of a chunk.
CHUNK: Final = 32


@define
class Chunks:
    """A `Batch` of `CHUNK` tokens over the cache of steps."""

    steps: Steps
    position: Tensor | None = None
    """Where the first token stands, `int32 [1]`: given with each chunk."""
    pending: list[Tensor] = field(factory=list)
    replayed: TinyJit = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.replayed = TinyJit(self._forward)

    def compute(self, ids: NDArray[np.int32], position: int) -> Tensor:
        """Compute `CHUNK` ids from a position on; return the last one's logits, in a buffer."""
        device, last = self.steps.stepper.device, position + CHUNK
        tables = (table[position:last] for table in self.steps.tables)
        arrays = (ids, np.array([position], dtype=np.int32), *tables)
        with plain_kernels():
            return self.replayed(*(Tensor(array, device=device).realize() for array in arrays))

    def _forward(self, ids: Tensor, position: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        stepper = self.steps.stepper
        self.position = position
        graph = Graph(request=stepper.request, weights=stepper.weights, batch=self)
        return graph.forward(ids, cos, sin)[-1].contiguous().realize()

    def point(self, name: str, _layer: int | None, value: Tensor) -> Tensor:
        """Materialise a value `[CHUNK, width]` and return it; nothing is captured."""
        if points.BY_ID[name].derived:
            return value
        value = value.contiguous()
        self.pending.append(value)
        return value

    def settle(self, _layer: int | None) -> None:
        """Realise what is pending."""
        Tensor.realize(*self.pending)
        self.pending.clear()

    def keep(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Put the tokens' keys and values into the cache; return it, and what each may see."""
        assert self.position is not None
        stepper = self.steps.stepper
        cache, capacity = stepper.caches[layer], stepper.request.positions
        write_rows(cache, self.position, k, v)
        places = Tensor.arange(capacity).reshape(1, capacity)
        here = self.position.reshape(1, 1) + Tensor.arange(CHUNK).reshape(CHUNK, 1)
        return *cache.widened(), in_view(here, places, stepper.request.model.config.window(layer))


def write_rows(cache: Cache, position: Tensor, k: Tensor, v: Tensor) -> None:
    """Put rows `[rows, width]` into a cache from a position on, `int32 [1]` on the device.

    As `Cache.write`: the kernel is the same for every position.
    """
    capacity, rows = int(cache.keys.shape[0]), int(k.shape[0])
    offset = Tensor.arange(capacity).reshape(capacity, 1) - position.reshape(1, 1)
    here = (offset >= 0) & (offset < rows)
    taken = offset.maximum(0).minimum(rows - 1).flatten()
    for buffer, new in ((cache.keys, k), (cache.values, v)):
        buffer.assign(here.where(new.cast(buffer.dtype)[taken], buffer))
    Tensor.realize(cache.keys, cache.values)
