"""What ends a run before its last step: the list. Each gate says why, or nothing.

A gate looks at numbers that were measured, and its limits are part of the run's arguments, stated
before the first step.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

from ml.training.evaluation import Evaluation, best_of, is_below
from ml.training.trainer import RING, StepResult

#: Tokens of data for each parameter, below which a run must be asked for twice.
LEAST_RATIO: Final = 10.0
#: A held-out loss so many times the one before it has diverged; the first one's ceiling is so many
#: times that of knowing nothing.
DIVERGED: Final = 2.0
#: The throughput is the median of so many steps, from the second on: the first makes the kernels.
_STEPS: Final = 10


@frozen(kw_only=True)
class Limits:
    """What a run is held to."""

    uniform: float
    """Loss of knowing nothing: ln of the vocabulary, in nats."""
    patience: int | None = None
    """Evaluations without a fall of the held-out loss after which it ends; null for none."""
    target: float | None = None
    """Held-out loss at which it ends; the whole interval must be at or below it."""
    least_tokens_per_second: float | None = None
    most_tokens_per_second: float | None = None


@frozen(kw_only=True)
class History:
    """What a gate sees."""

    limits: Limits
    steps: Sequence[StepResult]
    """Steps of this sitting."""
    seconds: Sequence[float]
    """Wall time of each of these."""
    step_tokens: int
    evaluations: Sequence[Evaluation]
    """Evaluations of the whole run."""


@frozen(kw_only=True)
class Gate:
    """One row of the list."""

    name: str
    is_failure: bool
    """Whether a run that it ends has failed."""
    reason: Callable[[History], str | None]


def _not_finite(history: History) -> str | None:
    for taken in history.steps[-RING:]:  # those that may have been read together
        for name, value in (("loss", taken.loss), ("gradient norm", taken.grad_norm)):
            if not math.isfinite(value):
                return f"the {name} of step {taken.step} is {value}"
    return None


def _ceiling(history: History) -> str | None:
    if len(history.evaluations) != 1:
        return None
    first, most = history.evaluations[0], DIVERGED * history.limits.uniform
    if not first.mean <= most:
        return f"the first held-out loss is {first.mean:.4f}, over {most:.4f} = 2 ln(vocabulary)"
    return None


def _divergence(history: History) -> str | None:
    if len(history.evaluations) < 2:
        return None
    before, last = history.evaluations[-2:]
    if not last.mean <= DIVERGED * before.mean:
        return f"the held-out loss went from {before.mean:.4f} to {last.mean:.4f}"
    return None


def _target(history: History) -> str | None:
    target = history.limits.target
    if target is None or not history.evaluations:
        return None
    low, high = history.evaluations[-1].interval
    if high <= target:
        return f"the held-out loss is {low:.4f} to {high:.4f}, at or below the target {target:g}"
    return None


def _patience(history: History) -> str | None:
    patience = history.limits.patience
    if patience is None or not history.evaluations:
        return None
    best = best_of(history.evaluations)
    waited = len(history.evaluations) - 1 - best
    if waited <= patience or is_below(history.evaluations[-1], history.evaluations[best]):
        return None
    kept = history.evaluations[best]
    return (
        f"{waited} evaluations since step {kept.step} ({kept.mean:.4f}) brought no fall beyond "
        "its 95 % interval"
    )


def _throughput(history: History) -> str | None:
    limits, seconds = history.limits, list(history.seconds)[1:][-_STEPS:]
    if len(seconds) < _STEPS:
        return None
    rate = history.step_tokens / statistics.median(seconds)
    least, most = limits.least_tokens_per_second, limits.most_tokens_per_second
    if least is not None and rate < least:
        return f"{rate:.0f} tokens a second, fewer than {least:g}"
    if most is not None and rate > most:
        return f"{rate:.0f} tokens a second, more than {most:g}: is it computing at all?"
    return None


GATES: Final = (
    Gate(name="not finite", is_failure=True, reason=_not_finite),
    Gate(name="ceiling", is_failure=True, reason=_ceiling),
    Gate(name="divergence", is_failure=True, reason=_divergence),
    Gate(name="throughput", is_failure=True, reason=_throughput),
    Gate(name="target", is_failure=False, reason=_target),
    Gate(name="patience", is_failure=False, reason=_patience),
)


def closed(history: History) -> tuple[Gate, str] | None:
    """Return the first gate that ends the run, and why; or None."""
    for gate in GATES:
        reason = gate.reason(history)
        if reason is not None:
            return gate, reason
    return None
