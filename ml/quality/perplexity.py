"""What a model makes of a text: nats a token, perplexity, bits a byte, with an interval.

Every scored token counts once, with the context that `ml.quality.passages` gives it. Perplexity is
exp(nats a token); two perplexities can be compared only under one tokenizer, one text and one
context. Bits a byte can be compared across tokenizers: nats of all scored tokens, over ln 2, over
the bytes of the text, of which the share counts that was scored of its tokens.
"""

import math
from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.engines import Scorer
from ml.quality import intervals
from ml.quality.likelihood import likeliest, losses, pieces, scored_logits
from ml.quality.passages import Cut, passages
from ml.tracing import Progress


@frozen(kw_only=True)
class Perplexity:
    """What `perplexity` returns."""

    tokens: int
    """Of the text."""
    passages: int
    losses: NDArray[np.float64] = field(repr=False, eq=False)
    """Nats of each scored token, in the order of the text."""
    hits: int
    """Scored tokens that were the likeliest."""
    interval: intervals.Interval | None
    """95 % of `nats_per_token`: blocks of up to 64 neighbours, drawn again."""
    device: str

    @property
    def scored(self) -> int:
        """How many tokens were scored."""
        return len(self.losses)

    @property
    def nats_per_token(self) -> float:
        """Mean loss."""
        return float(self.losses.mean())

    @property
    def perplexity(self) -> float:
        """Exponential of the mean loss; infinite where that is too large."""
        return exponential(self.nats_per_token)

    @property
    def accuracy(self) -> float:
        """Share of scored tokens that were the likeliest."""
        return self.hits / self.scored

    def bits_per_byte(self, text_bytes: int) -> float:
        """Bits that a byte of the text costs; `text_bytes` is the whole text's length."""
        counted = text_bytes * self.scored / self.tokens
        return float(self.losses.sum()) / math.log(2) / counted


def exponential(value: float) -> float:
    """Return exp(value), infinite beyond what a float holds."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def perplexity(
    scorer: Scorer,
    ids: Sequence[int],
    cut: Cut,
    vocabulary: int,
    progress: Progress | None = None,
) -> Perplexity:
    """Score a text of checked ids. `progress` is called with (stage, passages done, in all)."""
    found, hits, starts = list[NDArray[np.float64]](), 0, [0]
    cuts = passages(len(ids), cut)
    for done, passage in enumerate(cuts):
        if progress is not None:
            progress("passage", done, len(cuts))
        scorer.read(ids[passage.begin : passage.end])
        for first, end in pieces(passage, vocabulary):
            logits, targets = scored_logits(scorer, passage, first, end), ids[first:end]
            found.append(losses(logits, targets))
            hits += int((likeliest(logits) == np.asarray(targets)).sum())
        starts.append(starts[-1] + passage.scored)
    if progress is not None:
        progress("passage", len(cuts), len(cuts))
    values = np.concatenate(found)
    sums, counts = intervals.block_sums(values, np.array(starts[:-1], dtype=np.int64))
    return Perplexity(
        tokens=len(ids),
        passages=len(cuts),
        losses=values,
        hits=hits,
        interval=intervals.of_mean(sums, counts),
        device=scorer.device,
    )
