"""The built-in self-check: the same ids in one batch and one by one must give the same numbers.

The two differ in what they compute at once, in where keys and values lie meanwhile, and in nothing
else. A cache slot that is stale, a mask that is off by one, a position that is counted anew: each
shows as a distance at the first attention behind it. The check holds an engine against itself, so
it says nothing about weights or rules that both passes share.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml import points as points_module
from ml.architectures import open_model
from ml.distances import full_row_distances
from ml.engines import Activation, EngineResult, KvDtype, Request
from ml.tracing import Progress, run

#: Largest row distance that rounding explains, by what is rounded: float32 sums of another order;
#: a cache of halves, where a value next to a tie may round the other way; and activations of eight
#: bits, where one step is 1/127 of a block's largest. Measured on tiny4 over 64 tokens: on the CPU
#: both passes are bit-equal; on a CUDA card 1.3e-5, 1.2e-3 and 1e-1, at the end of the last layer.
#: So quantised activations hide all but a gross fault there: check the cache without them.
BARS: Final[Mapping[tuple[Activation, KvDtype], float]] = {
    ("none", "f32"): 3e-5,
    ("none", "f16"): 3e-3,
    ("q8", "f32"): 3e-1,
    ("q8", "f16"): 3e-1,
}


@frozen(kw_only=True)
class PointDistance:
    """How far the two passes are apart at one point."""

    point: str
    layer: int | None
    distance: float
    """Largest d_row = rms(a - b) / rms(a) of all tokens; a is the prefill."""
    row: int
    """Position of that token (the first of equals)."""


@frozen(kw_only=True)
class ArgmaxDifference:
    """A position at which the two passes have another most likely token."""

    position: int
    prefill: int
    one_by_one: int
    margin: float
    """Between the prefill's logits of these two."""
    is_near_tie: bool
    """The margin is at most twice the largest difference of two logits there."""


@frozen(kw_only=True)
class SelfCheck:
    """What `self_check` returns."""

    points: tuple[PointDistance, ...]
    """In computation order."""
    bar: float
    """What `largest` is held against."""
    argmax: int
    """The prefill's most likely token behind the last position."""
    argmax_differences: tuple[ArgmaxDifference, ...]
    """Positions where it differs, ascending."""

    @property
    def largest(self) -> PointDistance:
        """The point with the largest distance, the first of equals."""
        return max(self.points, key=lambda point: point.distance)

    @property
    def first_over(self) -> PointDistance | None:
        """The first point over the bar: where the two passes part."""
        return next((point for point in self.points if not point.distance <= self.bar), None)

    @property
    def agrees(self) -> bool:
        """No point is over the bar, and tokens differ at near ties only."""
        decided = [one for one in self.argmax_differences if not one.is_near_tie]
        return self.first_over is None and not decided


def self_check(
    model_path: Path | str,
    ids: Sequence[int],
    *,
    engine: str = "a",
    device: str = "auto",
    kv: str = "f32",
    activation: str = "none",
    points: Iterable[str] | None = None,
    progress: Progress | None = None,
) -> SelfCheck:
    """Run the ids through one engine twice, and hold the full activations against each other.

    `points` are ids of `ml.points`; None means all of them. The logits always belong to them.
    Otherwise as `ml.tracing.trace`, and raises what it raises.
    """
    model = open_model(Path(model_path))
    chosen = points_module.ALL_POINTS if points is None else points_module.select(points)

    def compute(batching: str) -> tuple[Request, EngineResult]:
        return run(
            model,
            ids,
            engine=engine,
            device=device,
            kv=kv,
            activation=activation,
            batching=batching,
            points=chosen | {"logits"},
            keep_tensors=True,
            statistics=False,
            progress=progress,
        )

    request, at_once = compute("prefill")
    _, one_by_one = compute("one by one")
    return compare(request, at_once, one_by_one)


def compare(request: Request, at_once: EngineResult, one_by_one: EngineResult) -> SelfCheck:
    """Return the check of two results with full activations at the same points, logits last."""
    pairs = [
        (ours, _tensor(ours.tensor), _tensor(theirs.tensor))
        for ours, theirs in zip(at_once.captures, one_by_one.captures, strict=True)
    ]
    found = []
    for capture, a, b in pairs:
        distances = full_row_distances(a, b)
        found.append(
            PointDistance(
                point=capture.point.id,
                layer=capture.layer,
                distance=float(distances.max()),
                row=int(distances.argmax()),
            )
        )
    _, logits, others = pairs[-1]
    return SelfCheck(
        points=tuple(found),
        bar=BARS[request.activation, request.kv],
        argmax=int(_argmax(logits)[-1]),
        argmax_differences=tuple(_argmax_differences(logits, others)),
    )


def _tensor(tensor: NDArray[np.float32] | None) -> NDArray[np.float32]:
    if tensor is None:
        raise ValueError("a self-check needs full activations")
    return tensor


def _argmax(logits: NDArray[np.float32]) -> NDArray[np.intp]:
    """Most likely id of each row: of equals the lowest, NaN counts for nothing."""
    return np.asarray(np.where(np.isnan(logits), -np.inf, logits).argmax(axis=1))


def _argmax_differences(
    logits: NDArray[np.float32], others: NDArray[np.float32]
) -> list[ArgmaxDifference]:
    ours, theirs = _argmax(logits), _argmax(others)
    found = []
    for position in np.flatnonzero(ours != theirs):
        row, other = logits[position].astype(np.float64), others[position].astype(np.float64)
        margin = float(row[ours[position]] - row[theirs[position]])
        found.append(
            ArgmaxDifference(
                position=int(position),
                prefill=int(ours[position]),
                one_by_one=int(theirs[position]),
                margin=margin,
                is_near_tie=bool(margin <= 2 * np.abs(row - other).max()),
            )
        )
    return found
