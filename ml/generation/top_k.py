"""Top-k: the k likeliest stay; of equal ones those with the lowest ids."""

import numpy as np
from attrs import frozen

from ml.generation.base import LogOdds


@frozen
class TopK:
    """The step."""

    count: int
    name: str = "top-k"

    def apply(self, log_odds: LogOdds) -> LogOdds:
        """Return log-odds with exactly `count` candidates, or all where there are no more."""
        kept = np.argsort(-log_odds, kind="stable")[: self.count]
        left = np.full_like(log_odds, -np.inf)
        left[kept] = log_odds[kept]
        return left
