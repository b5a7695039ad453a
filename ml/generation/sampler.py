"""Samplers: the likeliest token, or a draw after the steps of the list.

The order is that of Hugging Face's `generate`: temperature, then top-k, then top-p. (llama.cpp's
default chain has the temperature last; with top-p below 1 that keeps other candidates.) Among equal
logits the lowest id comes first, everywhere. A draw is a pure function of seed and of how many were
drawn before: `Philox` with the seed as key and the draw as counter, whose raw stream numpy keeps
for ever.
"""

from typing import Final

import numpy as np
from attrs import field, frozen

from ml.engines.base import most_likely
from ml.errors import BadOption
from ml.generation.base import Logits, LogOdds, Sampler, Step
from ml.generation.temperature import Temperature
from ml.generation.top_k import TopK
from ml.generation.top_p import TopP

#: Seeds are numbers of 64 bits.
MOST_SEED: Final = (1 << 64) - 1


@frozen
class Greedy:
    """The likeliest token; of equal ones the lowest id."""

    def choose(self, logits: Logits, _draw: int) -> int:
        """Return its id; NaN counts for nothing."""
        return most_likely(logits)


GREEDY: Final = Greedy()


@frozen(kw_only=True)
class Drawing:
    """A draw from what the steps leave."""

    steps: tuple[Step, ...]
    seed: int = field(default=0)

    def choose(self, logits: Logits, draw: int) -> int:
        """Return an id; `draw` is how many were chosen before."""
        return drawn(self.log_odds(logits), uniform(self.seed, draw))

    def log_odds(self, logits: Logits) -> LogOdds:
        """Return what is drawn from, `float64 [vocabulary]`; NaN counts for nothing."""
        odds: LogOdds = np.where(np.isnan(logits), -np.inf, logits.astype(np.float64))
        if np.isposinf(odds).any():  # infinitely likelier than the others: these alone
            odds = np.where(np.isposinf(odds), 0.0, -np.inf)
        for step in self.steps:
            odds = step.apply(odds)
        return odds


def make_sampler(
    *, temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0, seed: int = 0
) -> Sampler:
    """Return the sampler of these options: temperature 0 is greedy; top-k 0 and top-p 1 keep all.

    Raises `BadOption` for a value that its option cannot have.
    """
    problems = [
        message
        for wrong, message in (
            (not 0 <= temperature < np.inf, f"temperature {temperature} is not 0 or above"),
            (top_k < 0, f"top-k {top_k} is not 0 or above"),
            (not 0 < top_p <= 1, f"top-p {top_p} is not above 0 and at most 1"),
            (not 0 <= seed <= MOST_SEED, f"seed {seed} is not a number of 64 bits"),
        )
        if wrong
    ]
    if problems:
        raise BadOption("; ".join(problems), hint="temperature 0 is greedy, top-k 0 keeps all")
    if temperature == 0:
        return GREEDY
    steps: list[Step] = [Temperature(temperature)]
    if top_k:
        steps.append(TopK(top_k))
    if top_p < 1:
        steps.append(TopP(top_p))
    return Drawing(steps=tuple(steps), seed=seed)


def uniform(seed: int, draw: int) -> float:
    """Return a number in [0, 1): the upper 53 bits of Philox's first word for key and counter."""
    word = np.random.Philox(key=seed, counter=draw).random_raw()
    return float(int(word) >> 11) / (1 << 53)


def drawn(log_odds: LogOdds, number: float) -> int:
    """Return the id whose share of the probabilities, laid end to end by id, holds the number."""
    largest = log_odds.max()
    if np.isneginf(largest):  # nothing is possible: as greedy chooses then
        return 0
    shares = np.exp(log_odds - largest).cumsum()
    return int(np.searchsorted(shares, number * shares[-1], side="right"))
