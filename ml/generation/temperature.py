"""Temperature: log-odds divided by it; below 1 the likely becomes likelier."""

import numpy as np
from attrs import frozen

from ml.generation.base import LogOdds


@frozen
class Temperature:
    """The step."""

    value: float
    name: str = "temperature"

    def apply(self, log_odds: LogOdds) -> LogOdds:
        """Return log-odds over the temperature.

        Taken from the largest first, so that a tiny temperature gives infinities only downwards.
        """
        largest = log_odds.max()
        if largest == float("-inf"):
            return log_odds
        with np.errstate(over="ignore"):
            divided: LogOdds = (log_odds - largest) / self.value
        return divided
