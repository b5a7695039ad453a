"""The contract of an engine: one forward pass over all positions, captured where asked.

An engine gets a checked model and checked ids, computes every position in one causal batch
("prefill"), and hands out a row of 74 numbers for each token at each captured point: the ten
statistics of `ml.statistics` and the 64 lanes of `ml.sketch`.
"""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.architectures import Model
from ml.devices import DeviceChoice
from ml.points import Point

KvDtype = Literal["f32", "f16"]
KV_DTYPES: tuple[KvDtype, ...] = ("f32", "f16")
# (stage in words, steps done, steps in all)
Progress = Callable[[str, int, int], None]


@frozen(kw_only=True)
class Request:
    """What an engine is asked to do."""

    model: Model
    ids: tuple[int, ...]
    """Token ids, checked against the vocabulary; position p holds ids[p]."""
    kv: KvDtype
    """What K and V are rounded to on their way into the cache."""
    points: frozenset[str]
    """Points to capture."""
    device: DeviceChoice
    statistics: bool = True
    """False is the plain pass: the same graph, and no row is computed."""
    keep_tensors: bool = False
    """Hand out the full activations too."""
    progress: Progress | None = field(default=None, repr=False)

    def report(self, stage: str, done: int, total: int) -> None:
        """Tell whoever watches."""
        if self.progress is not None:
            self.progress(stage, done, total)


@frozen(kw_only=True)
class Capture:
    """What an engine saw at one point."""

    point: Point
    layer: int | None
    width: int
    rows: NDArray[np.float32] | None = field(repr=False)
    """`float32 [tokens, 74]`; None on a plain pass."""
    tensor: NDArray[np.float32] | None = field(repr=False)
    """`float32 [tokens, width]` where it was asked for."""


@frozen(kw_only=True)
class EngineResult:
    """What came of a pass."""

    captures: tuple[Capture, ...]
    """In computation order."""
    logits: NDArray[np.float32] = field(repr=False)
    """`float32 [vocabulary]` of the last token."""
    device: str
    """The device the logits were really computed on, in our grammar."""


class Engine(Protocol):
    """What a member of `ml.engines` gives."""

    @property
    def id(self) -> str:
        """The name on the command line and in the path record."""

    @property
    def uses_tinygrad(self) -> bool:
        """Whether it computes on a tinygrad device; if not, on the host alone."""

    def describe(self) -> Mapping[str, str]:
        """Return its part of the path record: how it decodes, accumulates and attends."""

    def run(self, request: Request) -> EngineResult:
        """Compute one forward pass."""
