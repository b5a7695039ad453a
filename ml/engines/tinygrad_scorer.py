"""A scorer of a tinygrad engine: prefills up to the output projection, then logits as asked.

The numbers of a text are those of a prefill (`ml.engines.tinygrad_prefill`), point by point: a
product with the output matrix has the same rows however many are computed at once.
"""

from collections.abc import Sequence

import numpy as np
from attrs import define, evolve, field
from numpy.typing import NDArray
from tinygrad import Tensor

from ml import rope
from ml.engines.base import Request
from ml.engines.device_rows import DeviceRows
from ml.engines.tinygrad_graph import Graph, Weights
from ml.engines.tinygrad_prefill import Prefill
from ml.tinygrad_devices import fixed_settings, observed_device


@define
class TinygradScorer:
    """The member's scorer; see `ml.engines.base.Scorer`."""

    request: Request = field(repr=False)
    weights: Weights = field(repr=False)
    tinygrad_name: str
    device: str = ""
    """As observed with the last text."""
    normed: Tensor | None = field(default=None, repr=False)
    """What the output projection takes, `float32 [tokens, hidden]`."""

    def read(self, ids: Sequence[int]) -> None:
        """Compute all positions of these ids in one causal batch, up to the output projection."""
        config = self.request.model.config
        with fixed_settings(self.tinygrad_name):
            numbers = Tensor(np.array(ids, dtype=np.int32), device=self.tinygrad_name).realize()
            positions = np.arange(len(ids), dtype=np.int64)
            tables = rope.tables(positions, config.head_dim, config.rope_theta, config.rope_scaling)
            cos, sin = (Tensor(table, device=self.tinygrad_name).realize() for table in tables)
            self.normed = self._graph(tuple(ids)).stream(numbers, cos, sin).contiguous().realize()
            self.device = observed_device(self.normed)

    def logits(self, begin: int, end: int) -> NDArray[np.float32]:
        """Return the logits of positions `begin` to `end - 1`."""
        if self.normed is None:
            raise ValueError("nothing was read")  # a bug of the caller
        with fixed_settings(self.tinygrad_name):
            rows = self.normed[begin:end].contiguous().realize()
            found: NDArray[np.float32] = self._graph(()).head(rows).contiguous().realize().numpy()
        return found

    def _graph(self, ids: tuple[int, ...]) -> Graph:
        """Return the graph of a pass that captures nothing."""
        request = evolve(
            self.request, ids=ids, points=frozenset(), statistics=False, keep_tensors=False,
            progress=None,
        )  # fmt: skip
        batch = Prefill(request, self.tinygrad_name, DeviceRows(self.tinygrad_name))
        return Graph(request=request, weights=self.weights, batch=batch)
