"""Some steps of a run taken again, and held against what was recorded of them."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from attrs import frozen

from ml.training.loop import BatchOf
from ml.training.trainer import PARTS, State, StepResult, Trainer

#: What is held against the record of a step.
METRICS: Final = ("loss", "grad_norm")


@frozen(kw_only=True)
class Divergence:
    """The first thing that is not as it was recorded."""

    where: str
    """`step N: loss`, or the name of a tensor of the state."""
    difference: float
    """Relative: of a tensor the L2 norm of the difference over that of the recorded one."""


@frozen(kw_only=True)
class Replayed:
    """What came of it."""

    steps: int
    """Steps taken again."""
    held: int
    """Of these, how many were on record."""
    tensors: int
    """Tensors that were compared; 0 where there was no later checkpoint."""
    largest_of_steps: float
    """Largest relative difference of a loss or a norm."""
    largest_of_tensors: float
    diverged: Divergence | None
    """The first that is over the limit."""


def relative(found: float, wanted: float) -> float:
    """Return |found - wanted| / |wanted|: 0 where both are the same, also where neither is finite.

    >>> relative(1.5, 1.0), relative(float("nan"), float("nan")), relative(1.0, float("nan"))
    (0.5, 0.0, inf)
    """
    if found == wanted or (np.isnan(found) and np.isnan(wanted)):
        return 0.0
    apart = abs(found - wanted) / abs(wanted) if wanted else float("inf")
    return float(apart) if np.isfinite(apart) else float("inf")


def take_again(trainer: Trainer, batch_of: BatchOf, last: int) -> list[StepResult]:
    """Take the steps up to number `last`, and that one."""
    accumulate, results = trainer.settings.accumulate, []
    while trainer.step <= last:
        first = trainer.step * accumulate
        results.append(trainer.take_step([batch_of(first + n) for n in range(accumulate)]))
    return results


def hold_against(
    results: Sequence[StepResult],
    recorded: Mapping[int, Mapping[str, float]],
    found: State | None,
    stored: State | None,
    within: float,
) -> Replayed:
    """Compare steps with the record, and the state with a stored one; `within` is what may differ.

    With `within` 0 every number and every byte must be the same.
    """
    diverged: list[Divergence] = []
    largest = {"steps": 0.0, "tensors": 0.0}

    def compare(kind: str, where: str, difference: float) -> None:
        largest[kind] = max(largest[kind], difference)
        if difference > within:
            diverged.append(Divergence(where=where, difference=difference))

    held = [result for result in results if result.step in recorded]
    for result in held:
        for metric in METRICS:
            wanted = recorded[result.step].get(metric)
            if wanted is not None:
                apart = relative(getattr(result, metric), wanted)
                compare("steps", f"step {result.step}: {metric}", apart)
    names = []
    if found is not None and stored is not None:
        names = [(part, name) for part in PARTS for name in sorted(stored.parts[part])]
        for part, name in names:
            apart = _apart(found.parts[part][name], stored.parts[part][name])
            compare("tensors", f"{part}/{name}", apart)
    return Replayed(
        steps=len(results),
        held=len(held),
        tensors=len(names),
        largest_of_steps=largest["steps"],
        largest_of_tensors=largest["tensors"],
        diverged=diverged[0] if diverged else None,
    )


def _apart(found: np.ndarray, wanted: np.ndarray) -> float:
    """Relative L2 distance; 0 for the same bytes alone."""
    if found.tobytes() == wanted.tobytes():
        return 0.0
    wide, other = found.astype(np.float64), wanted.astype(np.float64)
    apart = float(np.linalg.norm(wide - other))
    size = float(np.linalg.norm(other))
    if apart == 0.0:  # zeros of another sign: not the same bytes
        return float(np.finfo(np.float64).tiny)
    return apart / size if size and np.isfinite(apart / size) else float("inf")
