"""The contract of an engine: one forward pass over all positions, captured where asked.

An engine gets a checked model and checked ids, computes every position in one causal batch
("prefill") or one token after the other over a cache of keys and values ("one by one"), and hands
out a row of 74 numbers for each token at each captured point: the ten statistics of `ml.statistics`
and the 64 lanes of `ml.sketch`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.architectures import Model
from ml.devices import DeviceChoice
from ml.engines.forced import Forced, check_forced, fitting
from ml.errors import BadOption
from ml.points import Point
from ml.quant_types import QuantType

KvDtype = Literal["f32", "f16"]
KV_DTYPES: tuple[KvDtype, ...] = ("f32", "f16")
# All tokens in one causal batch, or a token at a time over the cache.
Batching = Literal["prefill", "one by one"]
BATCHINGS: tuple[Batching, ...] = ("prefill", "one by one")
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
    batching: Batching = "prefill"
    """Whether positions are computed at once, or one after the other."""
    generate: int = 0
    """How many tokens to continue the ids by, each the most likely one (of equals the lowest id);
    one by one only. They are computed and captured like the others."""
    statistics: bool = True
    """False is the plain pass: the same graph, and no row is computed."""
    keep_tensors: bool = False
    """Hand out the full activations too."""
    forced: Forced = field(factory=dict, repr=False, eq=False)
    """`float32 [tokens, width]` by (point, layer): the pass captures what it computed itself there,
    and goes on with this value. Empty: the pass is its own from end to end."""
    progress: Progress | None = field(default=None, repr=False)

    @forced.validator
    def _check_forced(self, _attribute: object, forced: Forced) -> None:
        check_forced(forced, tokens=len(self.ids), layers=self.model.config.layers)

    def __attrs_post_init__(self) -> None:
        if self.batching == "prefill" and self.generate:
            raise BadOption(
                f"{self.generate} tokens to generate, and batching is prefill",
                hint="tokens are generated one by one: choose that batching",
            )
        if self.batching != "prefill" and self.forced:
            raise BadOption(
                f"values are forced, and batching is {self.batching!r}",
                hint="force values in a prefill pass",
            )

    @property
    def positions(self) -> int:
        """How many positions the pass computes: those of the ids and of what it generates."""
        return len(self.ids) + self.generate

    def forced_at(
        self, name: str, layer: int | None, shape: tuple[int, ...]
    ) -> NDArray[np.float32] | None:
        """Return what the pass goes on with behind this point, or None for its own value.

        `shape` is that of its own value. Raises `BadOption` where they differ. Nothing comes behind
        the logits, so these are never replaced.
        """
        value = self.forced.get((name, layer))
        return None if value is None or name == "logits" else fitting(value, name, layer, shape)

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
    generated: tuple[int, ...] = ()
    """The ids that the pass went on with behind those it was given."""


def most_likely(logits: NDArray[np.float32]) -> int:
    """Return the id of the largest logit: of equal ones the lowest; NaN counts for nothing.

    >>> most_likely(np.array([0, 2, 2, np.nan], dtype=np.float32))
    1
    """
    return int(np.argmax(np.where(np.isnan(logits), -np.inf, logits)))


class Session(Protocol):
    """A pass that stands open: weights where they are used, and a cache of keys and values.

    It computes what `run` computes one by one, and captures nothing.
    """

    @property
    def capacity(self) -> int:
        """How many positions there is room for."""

    @property
    def device(self) -> str:
        """The device the logits were really computed on, in our grammar."""

    def prefill(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Compute the next positions; return the last one's logits, `float32 [vocabulary]`.

        Many at once where the engine can: the logits are those of steps but for rounding.
        """

    def step(self, token: int) -> NDArray[np.float32]:
        """Compute the next position; return its logits, `float32 [vocabulary]`."""

    def rewind(self, position: int) -> None:
        """Go on from an earlier position: what stood there and behind it is forgotten."""


class Scorer(Protocol):
    """Logits of every position of one text after another, as many at a time as is asked.

    It computes what `run` computes in a prefill, and captures nothing. The output projection is
    computed for the positions that are asked for, so that no text needs `[tokens, vocabulary]`.
    """

    @property
    def device(self) -> str:
        """The device the last text was really computed on, in our grammar."""

    def read(self, ids: Sequence[int]) -> None:
        """Compute all positions of these ids in one causal batch, up to the output projection."""

    def logits(self, begin: int, end: int) -> NDArray[np.float32]:
        """Return logits of positions `begin` to `end - 1`, `float32 [positions, vocabulary]`."""


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

    def open(self, request: Request, earlier: Session | None = None) -> Session:
        """Return a session with room for the request's positions; its ids are not computed.

        What an earlier session of the same model and settings has loaded is taken from it.
        """

    def scorer(self, request: Request) -> Scorer:
        """Return a scorer with the weights loaded; the request's ids are not computed."""
