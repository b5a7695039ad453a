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
from ml.quant_types import QuantType

KvDtype = Literal["f32", "f16"]
KV_DTYPES: tuple[KvDtype, ...] = ("f32", "f16")
# Whether activations are quantised before they meet a weight, as llama.cpp does on the CPU.
Activation = Literal["none", "q8"]
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
    activation: Activation = "none"
    """Whether activations are quantised before a product; one of the engine's `activations`."""
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

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Which quantisations of activations it can do; the first is `none`."""

    def describe(self, activation: Activation, /) -> Mapping[str, str]:
        """Return its part of the path record: how it accumulates and attends."""

    def weight_decoding(self, quant_type: QuantType, /) -> str:
        """Return what it makes of weights that are stored in this type, for the path record."""

    def activation_quantisation(self, quant_type: QuantType, activation: Activation, /) -> str:
        """Return the type that activations are quantised to before such a weight, or `none`."""

    def run(self, request: Request) -> EngineResult:
        """Compute one forward pass."""
