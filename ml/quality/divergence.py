"""How far two models part on one text: Kullback-Leibler divergence, agreement of the top token.

At each scored token both models have the same tokens before it. KL(A || B) is the sum over the
vocabulary of p_a · (ln p_a - ln p_b), in nats, in float64: what it costs to believe B where A is
right. It is 0 for equal distributions only. Where B rules out what A holds possible it is infinite.
"""

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.engines import Scorer
from ml.quality import intervals
from ml.quality.likelihood import Array, likeliest, log_probabilities, pieces, scored_logits
from ml.quality.passages import Cut, passages
from ml.tracing import Progress


@frozen(kw_only=True)
class Divergence:
    """What `divergence` returns."""

    divergences: NDArray[np.float64] = field(repr=False, eq=False)
    """KL(A || B) at each scored token, in nats, in the order of the text."""
    agreed: int
    """Scored tokens at which both hold the same token the likeliest."""
    differences: NDArray[np.float64] = field(repr=False, eq=False)
    """Loss of B less that of A at each scored token, in nats."""
    interval: intervals.Interval | None
    """95 % of the mean: blocks of up to 64 neighbours, drawn again."""
    devices: tuple[str, str]

    @property
    def scored(self) -> int:
        """How many tokens were scored."""
        return len(self.divergences)

    @property
    def mean(self) -> float:
        """Mean divergence."""
        return float(self.divergences.mean())

    @property
    def largest(self) -> tuple[float, int]:
        """The largest divergence, and which of the scored tokens it is (the first of equals)."""
        at = int(np.where(np.isnan(self.divergences), np.inf, self.divergences).argmax())
        return float(self.divergences[at]), at

    def quantile(self, share: float) -> float:
        """The smallest divergence that `share` of them do not exceed; never between two."""
        return float(np.quantile(self.divergences, share, method="inverted_cdf"))

    @property
    def agreement(self) -> float:
        """Share of scored tokens at which the likeliest token is the same."""
        return self.agreed / self.scored

    @property
    def agreement_interval(self) -> intervals.Interval:
        """Wilson's 95 % interval of the agreement."""
        return intervals.wilson(self.agreed, self.scored)


def kl(a: Array, b: Array) -> Array:
    """Return KL(A || B) of each row of log probabilities, never below 0.

    >>> kl(np.log([[0.5, 0.5]]), np.log([[0.25, 0.75]])).round(6).tolist()
    [0.143841]
    """
    with np.errstate(invalid="ignore"):
        terms = np.where(np.isneginf(a), 0.0, np.exp(a) * (a - b))
    return np.asarray(np.maximum(terms.sum(axis=1), 0.0))  # a sum of rounded terms may be -1e-17


def divergence(
    scorers: tuple[Scorer, Scorer],
    ids: Sequence[int],
    cut: Cut,
    vocabulary: int,
    progress: Progress | None = None,
) -> Divergence:
    """Score a text of checked ids with both. `progress` gets (stage, passages done, in all)."""
    found, differences, agreed, starts = list[Array](), list[Array](), 0, [0]
    cuts = passages(len(ids), cut)
    for done, passage in enumerate(cuts):
        if progress is not None:
            progress("passage", done, len(cuts))
        for scorer in scorers:
            scorer.read(ids[passage.begin : passage.end])
        # Two sets of logits at once.
        for first, end in pieces(passage, 2 * vocabulary):
            a, b = (scored_logits(scorer, passage, first, end) for scorer in scorers)
            log_a, log_b = log_probabilities(a), log_probabilities(b)
            found.append(kl(log_a, log_b))
            at = (np.arange(end - first), np.asarray(ids[first:end], dtype=np.int64))
            differences.append(log_a[at] - log_b[at])
            agreed += int((likeliest(a) == likeliest(b)).sum())
        starts.append(starts[-1] + passage.scored)
    if progress is not None:
        progress("passage", len(cuts), len(cuts))
    values = np.concatenate(found)
    sums, counts = intervals.block_sums(values, np.array(starts[:-1], dtype=np.int64))
    return Divergence(
        divergences=values,
        agreed=agreed,
        differences=np.concatenate(differences),
        interval=intervals.of_mean(sums, counts),
        devices=(scorers[0].device, scorers[1].device),
    )
