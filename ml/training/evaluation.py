"""What held-out windows say: the mean loss, its interval, and when one mean is below another."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

#: Half of a 95 % interval, in standard errors.
_HALF: Final = 1.959963984540054


@frozen(kw_only=True)
class Evaluation:
    """The loss of the same held-out windows at one time of a run."""

    step: int
    """Steps taken before it."""
    losses: NDArray[np.float64] = field(repr=False, eq=False)
    """Mean loss of each window, nats a token."""

    @property
    def mean(self) -> float:
        """Mean loss in nats a token: windows are of one length."""
        return float(self.losses.mean())

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval of the mean, by windows; infinite for a single one."""
        return half_width(self.losses)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean."""
        return self.mean - self.half_width, self.mean + self.half_width


def half_width(values: NDArray[np.float64]) -> float:
    """Return half of the 95 % interval of a mean, by the normal distribution.

    >>> half_width(np.array([1.0]))
    inf
    """
    if len(values) < 2:
        return math.inf
    return float(_HALF * values.std(ddof=1) / math.sqrt(len(values)))


def is_below(new: Evaluation, old: Evaluation) -> bool:
    """Whether the loss fell by more than chance: window by window, since they are the same ones.

    The 95 % interval of the mean difference must lie below 0. Of a single window only its sign
    can be asked.
    """
    difference = new.losses - old.losses
    if len(difference) < 2:
        return bool(difference[0] < 0)
    return float(difference.mean()) + half_width(difference) < 0


def best_of(history: Sequence[Evaluation]) -> int:
    """Return the place of the last evaluation that was below the best before it."""
    best = 0
    for place in range(1, len(history)):
        if is_below(history[place], history[best]):
            best = place
    return best
