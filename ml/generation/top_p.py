"""Top-p (nucleus): the fewest of the likeliest tokens whose probabilities sum to p or more."""

import numpy as np
from attrs import frozen

from ml.generation.base import LogOdds


@frozen
class TopP:
    """The step."""

    share: float
    name: str = "top-p"

    def apply(self, log_odds: LogOdds) -> LogOdds:
        """Return log-odds with the nucleus alone; the likeliest always stays."""
        largest = log_odds.max()
        if largest == float("-inf"):
            return log_odds
        order = np.argsort(-log_odds, kind="stable")
        shares = np.exp(log_odds[order] - largest).cumsum()
        count = int(np.searchsorted(shares, self.share * shares[-1], side="left")) + 1
        left = np.full_like(log_odds, -np.inf)
        left[order[:count]] = log_odds[order[:count]]
        return left
