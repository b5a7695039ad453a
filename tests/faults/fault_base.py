"""What a fault is, what is seen of it, and when a detector has found it."""

from collections.abc import Callable, Mapping

import attrs
import numpy as np
from fault_models import Parts
from fault_port import Operation, Stage

from ml.architectures import Model
from ml.comparison import TraceData
from ml.containers import Container
from ml.floors import Floor
from ml.identity import Record, identity_record
from ml.passes import Activations, Pass
from ml.points import ALL_POINTS, BY_ID, in_order
from ml.rows import ALL, select, to_blob
from ml.sketch import sketch
from ml.statistics import row_statistics


@attrs.frozen(kw_only=True)
class Fault:
    """One fault: a change of the model file, or a slip of the pass."""

    name: str
    what: str
    """What is wrong, in words."""
    site: Stage
    """The first stage whose own operation gives other numbers."""
    in_file: Callable[[Parts], Parts] | None = None
    in_pass: Mapping[Stage, Operation] = {}


@attrs.frozen(kw_only=True)
class Seen:
    """Everything that was seen of one pass."""

    ids: tuple[int, ...]
    tensors: Activations
    rows: Mapping[Stage, np.ndarray]
    """`float32 [tokens, 74]`: ten statistics and the sketch of each row."""

    @classmethod
    def of(cls, ids: tuple[int, ...], tensors: Activations) -> "Seen":
        """Take the rows of a pass's activations."""
        with np.errstate(over="ignore"):
            rows = {
                stage: np.concatenate([row_statistics(tensor), sketch(tensor)], axis=1)
                for stage, tensor in tensors.items()
            }
        return cls(ids=ids, tensors=tensors, rows=rows)

    def trace(self, path: Record) -> TraceData:
        """What a ledger would keep of it: two records, and rows of at most 64 positions."""
        rows = select(ALL, len(self.ids))
        captures = [_Captured(BY_ID[p], layer, self.tensors[p, layer]) for p, layer in self.tensors]
        return TraceData(
            identity=identity_record(self.ids, captures, rows),
            path=path,
            blob=to_blob(np.stack([every[list(rows.kept)] for every in self.rows.values()])),
        )


@attrs.frozen
class _Captured:
    """What an identity record asks of a capture."""

    point: object
    layer: int | None
    tensor: np.ndarray

    @property
    def width(self) -> int:
        return self.tensor.shape[1]


@attrs.frozen(kw_only=True, eq=False)
class Way:
    """A path through a model, as a bisection takes it (`ml.passes.Side`), computed once."""

    model: Model
    compute: Callable[[tuple[int, ...], Activations | None], Pass]
    """From token ids, and what is forced on the pass."""
    kept: dict[bool, Pass] = attrs.field(factory=dict, repr=False)

    def run(
        self, ids: tuple[int, ...], *, forced: Activations | None = None, progress: object = None
    ) -> Pass:
        """The pass left to itself, or fed by the sound one, which is the same every time."""
        del progress
        is_fed = forced is not None
        if is_fed not in self.kept:
            self.kept[is_fed] = self.compute(ids, forced)
        return self.kept[is_fed]


@attrs.frozen(kw_only=True)
class Evidence:
    """What detectors look at."""

    layers: int
    reference: Pass
    """The sound pass, and how it was computed."""
    sound: Seen
    way: Way
    """The one that may be at fault."""
    other: Seen
    """What it gives when left to itself."""
    sound_file: Container
    """A sound file of the same type as the other one."""
    other_file: Container
    floor: Floor


#: The first stage that a detector names, or None where it is silent.
Detector = Callable[[Evidence], Stage | None]


def stages(layers: int) -> tuple[Stage, ...]:
    """Every stage of a model in computation order."""
    return tuple((point.id, layer) for point, layer in in_order(ALL_POINTS, layers))


def is_found(named: Stage | None, site: Stage, layers: int) -> bool:
    """Whether a detector named the site of a fault, or the stage after it."""
    order = stages(layers)
    return named is not None and order.index(named) - order.index(site) in (0, 1)
