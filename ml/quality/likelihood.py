"""What logits say of tokens: log probabilities in float64, a few positions at a time."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.engines import Scorer
from ml.quality.passages import Passage

Array = NDArray[np.float64]
#: Logits at a time, at the most: 64 MiB as float32, twice that in float64.
_AT_ONCE: Final = 1 << 24


def log_probabilities(logits: NDArray[np.float32]) -> Array:
    """Return the log probability of each id, `float64 [positions, vocabulary]`, in nats.

    A row with a NaN, or with nothing but -inf, becomes NaN.
    """
    wide = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):
        shifted = wide - wide.max(axis=1, keepdims=True)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def likeliest(logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the id of the largest logit of each row: of equals the lowest, NaN for nothing."""
    return np.asarray(np.where(np.isnan(logits), -np.inf, logits).argmax(axis=1), dtype=np.int64)


def pieces(passage: Passage, vocabulary: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of scored tokens, `(first, end)` in the text, so long as a piece may be."""
    size = max(1, _AT_ONCE // vocabulary)
    for first in range(passage.first, passage.end, size):
        yield first, min(first + size, passage.end)


def scored_logits(scorer: Scorer, passage: Passage, first: int, end: int) -> NDArray[np.float32]:
    """Return the logits that predict the tokens `first` to `end - 1` of the text.

    The scorer has read the passage. Token t is predicted at position t - 1.
    """
    return scorer.logits(first - 1 - passage.begin, end - 1 - passage.begin)


def losses(logits: NDArray[np.float32], targets: Sequence[int]) -> Array:
    """Return minus the log probability of each target, in nats, `float64 [positions]`."""
    found = log_probabilities(logits)
    return -found[np.arange(len(targets)), np.asarray(targets, dtype=np.int64)]
