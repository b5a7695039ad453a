"""After loading: the fixed batch must have the losses that the checkpoint says it had.

A model that was not loaded, or not into the places it came from, computes all the same, and a loss
near that of guessing can pass for a bad day. The band is what another device may differ by; on the
device that wrote the checkpoint the losses are equal.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from attrs import frozen

from ml.training.loop import Batch
from ml.training.trainer import Trainer

#: Nats that a window's loss may differ by, by the type of products.
BANDS: Final[Mapping[str, float]] = {"float32": 1e-3, "bfloat16": 2e-2}


@frozen(kw_only=True)
class Verdict:
    """What came of it."""

    loss: float
    """Mean loss of the fixed batch, nats a token."""
    recorded: float
    """The same, as the checkpoint has it."""
    largest: float
    """Largest difference of a window's loss."""
    band: float
    """The largest that is allowed."""

    @property
    def is_met(self) -> bool:
        """Whether every window's loss is in the band; one that is no number is not."""
        return self.largest <= self.band


def ask(trainer: Trainer, batch: Batch, recorded: Sequence[float]) -> Verdict:
    """Compute the fixed batch's losses and hold them against those of the checkpoint."""
    found = trainer.evaluate(batch)
    wanted = np.array(recorded, dtype=np.float64)
    apart = np.abs(found - wanted).max() if len(wanted) == len(found) else np.inf
    return Verdict(
        loss=float(found.mean()),
        recorded=float(wanted.mean()) if len(wanted) else float("nan"),
        largest=float(apart),
        band=BANDS[trainer.settings.compute],
    )
