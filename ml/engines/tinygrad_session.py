"""A session of a tinygrad engine: steps over a cache that outlives a pass.

A step is that of `ml.engines.tinygrad_one_by_one`, with nothing captured: behind a prompt that is
shorter than a chunk, the logits are bit-equal to those of a pass one by one with as many positions.
"""

from collections.abc import Sequence

import numpy as np
from attrs import define, field
from numpy.typing import NDArray
from tinygrad import Tensor

from ml.engines.base import Request
from ml.engines.tinygrad_chunks import CHUNK, Chunks
from ml.engines.tinygrad_graph import Weights
from ml.engines.tinygrad_one_by_one import Steps
from ml.tinygrad_devices import fixed_settings, observed_device


@define
class TinygradSession:
    """The member's session; see `ml.engines.base.Session`."""

    request: Request = field(repr=False)
    weights: Weights = field(repr=False)
    steps: Steps = field(repr=False)
    chunks: Chunks = field(repr=False)
    tinygrad_name: str
    position: int = 0
    """Of the token that comes next."""
    device: str = ""
    """As observed with the last logits."""

    @classmethod
    def open(cls, request: Request, device: str, weights: Weights) -> "TinygradSession":
        """Return a session with an empty cache."""
        steps = Steps.ready(request, device, weights)
        return cls(request, weights, steps, Chunks(steps), device)

    @property
    def capacity(self) -> int:
        """How many positions there is room for."""
        return self.request.positions

    def prefill(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Compute the next positions, in chunks and then one by one; return the last's logits.

        Logits of the others stay where they are: fetching them would wait for each.
        """
        if not ids or self.position + len(ids) > self.capacity:
            raise ValueError(f"no room for {len(ids)} ids at {self.position}")  # a caller's bug
        done, total = 0, len(ids)
        with fixed_settings(self.tinygrad_name):
            while done < total:
                self.request.report("token", done, total)
                size = CHUNK if total - done >= CHUNK else 1
                output = self._advance(ids[done : done + size])
                done += size
            self.request.report("token", total, total)
            return self._fetch(output)

    def step(self, token: int) -> NDArray[np.float32]:
        """Compute the next position; return its logits."""
        if self.position >= self.capacity:
            raise ValueError(f"no room for position {self.position}")  # a bug of the caller
        with fixed_settings(self.tinygrad_name):
            return self._fetch(self._advance((token,)))

    def _advance(self, ids: Sequence[int]) -> Tensor:
        """Compute one token, or a chunk; return what ends with the last one's logits."""
        position = self.position
        self.position += len(ids)
        if len(ids) == 1:
            return self.steps.compute(ids[0], position)
        return self.chunks.compute(np.array(ids, dtype=np.int32), position)

    def _fetch(self, output: Tensor) -> NDArray[np.float32]:
        self.device = observed_device(output)
        return self.steps.logits(output)

    def rewind(self, position: int) -> None:
        """Go on from an earlier position: what lies behind it in the cache is masked."""
        self.position = min(position, self.position)
