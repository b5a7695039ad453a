"""One token after the other, over a cache of keys and values.

A step is the same kernels for every position: position, token and angles are data in buffers, and
what lies ahead in the cache is masked. So tinygrad schedules two steps and replays the rest.

Captured values of a step are joined into one buffer, which is copied before the next step writes it
again; rows are computed at the end, over all tokens as in a prefill.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from attrs import define, field
from numpy.typing import NDArray
from tinygrad import Tensor, TinyJit
from tinygrad.helpers import getenv

from ml import points, rope
from ml.engines.base import EngineResult, Request, most_likely
from ml.engines.device_rows import DeviceRows, joined
from ml.engines.tinygrad_attention import in_view
from ml.engines.tinygrad_cache import Cache
from ml.engines.tinygrad_captures import Seen, take_home
from ml.engines.tinygrad_graph import Graph, Weights
from ml.engines.tinygrad_prefill import CACHE_DTYPES


def one_by_one(request: Request, device: str, weights: Weights) -> EngineResult:
    """Compute the request's ids, and what it generates behind them, a token at a time."""
    total, steps = request.positions, Steps.ready(request, device, weights)
    ids, outputs = list(request.ids), list[Tensor]()
    for position in range(total):
        request.report("token", position, total)
        if position == len(ids):
            ids.append(most_likely(steps.logits(outputs[-1])))
        # A copy: the next step writes the same buffer.
        outputs.append(steps.compute(ids[position], position).clone().realize())
    request.report("token", total, total)
    generated = tuple(ids[len(request.ids) :])
    seen = steps.stepper.seen_by_all(outputs)
    values = [one.value for one in seen if one.value is not None]
    rows = DeviceRows(device).rows(values) if request.statistics else []
    return take_home(request, seen, rows, outputs[-1], generated)


@define
class Steps:
    """Steps of one request, of which tinygrad schedules two and replays the others."""

    stepper: "_Stepper"
    replayed: Callable[..., Tensor]
    tables: tuple[NDArray[np.float32], NDArray[np.float32]]
    """Cosines and sines of every position there is room for."""

    @classmethod
    def ready(cls, request: Request, device: str, weights: Weights) -> "Steps":
        """Return them with an empty cache for all positions of the request."""
        config = request.model.config
        positions = np.arange(request.positions, dtype=np.int64)
        cos, sin = rope.tables(positions, config.head_dim, config.rope_theta, config.rope_scaling)
        stepper = _Stepper(request, device, weights)
        return cls(stepper, TinyJit(stepper.step), (cos, sin))

    def compute(self, token: int, position: int) -> Tensor:
        """Return what `_Stepper.step` gives for a token, in a buffer that the next one writes."""
        numbers = (np.array([value], dtype=np.int32) for value in (token, position))
        arrays = (*numbers, *(table[position : position + 1] for table in self.tables))
        device = self.stepper.device
        with plain_kernels():
            return self.replayed(*(Tensor(array, device=device).realize() for array in arrays))

    def logits(self, output: Tensor) -> NDArray[np.float32]:
        """Return the logits out of what a step gave, `float32 [vocabulary]`, on the host."""
        found: NDArray[np.float32] = self.stepper.logits(output).numpy()
        return found


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Keep tinygrad from searching for faster kernels because `JITBEAM` is in the environment.

    They sum in another order. All that can be set otherwise is in `ml.tinygrad_devices`.
    """
    asked = os.environ.pop("JITBEAM", None)
    getenv.cache_clear()
    try:
        yield
    finally:
        if asked is not None:
            os.environ["JITBEAM"] = asked
            getenv.cache_clear()


@define
class _Stepper:
    """A `Batch` of one token: the cache, and what the step that is being computed has captured."""

    request: Request
    device: str
    weights: Weights
    caches: list[Cache] = field(init=False)
    position: Tensor = field(init=False)
    """Where the token stands, `int32 [1]`: given with each step."""
    seen: list[Seen] = field(factory=list)
    pending: list[Tensor] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        config, dtype = self.request.model.config, CACHE_DTYPES[self.request.kv]
        self.caches = [
            Cache.empty(self.request.positions, config.kv_width, dtype, self.device)
            for _ in range(config.layers)
        ]

    def step(self, ids: Tensor, position: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return what one token's step captured and its logits, joined: `float32 [n]`."""
        self.seen.clear()
        self.position = position
        graph = Graph(request=self.request, weights=self.weights, batch=self)
        logits = graph.forward(ids, cos, sin)
        ordered = (one for group in self.by_width().values() for one in group)
        captured = [one.value.flatten() for one in ordered if one.value is not None]
        return joined([*captured, logits.flatten()])

    def by_width(self) -> dict[int, list[Seen]]:
        """Return what was seen by how wide it is: the order in which a step's values are joined."""
        groups: dict[int, list[Seen]] = {}
        for one in self.seen:
            groups.setdefault(one.width, []).append(one)
        return groups

    def point(self, name: str, layer: int | None, value: Tensor) -> Tensor:
        """Materialise a value `[1, width]`, note it if asked for, and return it."""
        derived, wanted = points.BY_ID[name].derived, name in self.request.points
        if derived and not wanted:
            return value
        value = value.contiguous()
        self.pending.append(value)
        if wanted:
            self.seen.append(Seen(points.BY_ID[name], layer, int(value.shape[1]), value))
        return value

    def settle(self, _layer: int | None) -> None:
        """Realise what is pending."""
        Tensor.realize(*self.pending)
        self.pending.clear()

    def keep(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Put the token's keys and values into the cache; return it, and what is in it so far."""
        cache, capacity = self.caches[layer], self.request.positions
        cache.write(self.position, k, v)
        places, here = Tensor.arange(capacity).reshape(1, capacity), self.position.reshape(1, 1)
        visible = in_view(here, places, self.request.model.config.window(layer))
        return *cache.widened(), visible

    def logits(self, output: Tensor) -> Tensor:
        """Return the logits out of what a step gave, `float32 [vocabulary]`."""
        return output[-self.request.model.config.vocabulary :].contiguous().realize()

    def seen_by_all(self, outputs: list[Tensor]) -> list[Seen]:
        """Return each point's values over all tokens, out of what the steps gave.

        All points of one width are sorted by one kernel: a kernel a point would take seconds to
        compile.
        """
        tokens, begin = len(outputs), 0
        everything = joined(outputs).reshape(tokens, -1)
        for width, group in self.by_width().items():
            end = begin + width * len(group)
            block = everything[:, begin:end].reshape(tokens, len(group), width)
            block = block.permute(1, 0, 2).contiguous().realize()
            for one, value in zip(group, block, strict=True):
                one.value = value.contiguous().realize()
            begin = end
        return self.seen
