"""What guessing costs: losses of models that know next to nothing, for a loss to be held against.

All are fitted on the training side and score every id of the held-out side, in nats. V is the size
of the vocabulary, N the number of training ids, c a count on the training side:

    uniform   1 / V
    unigram   p1(w) = (c(w) + 1) / (N + V)
    bigram    p2(w | b) = (c(b w) + 128 p1(w)) / (c(b .) + 128)
    trigram   p3(w | a b) = (c(a b w) + 32 p2(w | b)) / (c(a b .) + 32)

`c(b .)` counts where b has a successor, so each is a distribution. The weights were chosen once, on
the standard library, among powers of two: there they give about the lowest losses. Documents follow
one another with the end token between them, as a model sees them. Only n-grams that the held-out
side has are counted, chunk by chunk, so memory does not grow with the training side.
"""

import math
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.corpus.base import Report
from ml.corpus.shards import CHUNK, Stream

NAMES: Final = ("uniform", "unigram", "bigram", "trigram")
#: How much the shorter context weighs, in counts, by the length of the n-gram.
WEIGHTS: Final = {2: 128.0, 3: 32.0}
#: Ids of the held-out side that are scored in one pass over the training side.
_SCORED: Final = 1 << 22


@frozen(kw_only=True)
class Baseline:
    """The loss of one model on the held-out side."""

    name: str
    nats_per_token: float
    bits_per_byte: float
    """Of the text: bytes of the documents, the end token counted among the ids alone."""


def baselines(
    train: Stream, held_out: Stream, vocabulary: int, held_out_bytes: int, report: Report
) -> tuple[Baseline, ...]:
    """Return the losses of the four models; both sides have an id at least."""
    totals = np.zeros(len(NAMES))
    ones = np.zeros(vocabulary, np.int64)
    for _, ids in train.chunks():
        ones += np.bincount(ids, minlength=vocabulary)
    for begin in range(0, len(held_out), _SCORED):
        report("baselines", begin, len(held_out))
        ids = held_out.read(max(0, begin - 2), min(begin + _SCORED, len(held_out)))
        scored = probabilities(train, ones, ids)[:, min(begin, 2) :]
        totals -= np.log(scored).sum(axis=1)
    bits = totals / math.log(2) / held_out_bytes
    return tuple(
        Baseline(name=name, nats_per_token=float(nats) / len(held_out), bits_per_byte=float(bit))
        for name, nats, bit in zip(NAMES, totals, bits, strict=True)
    )


def probabilities(train: Stream, ones: NDArray[np.int64], ids: NDArray[Any]) -> NDArray[np.float64]:
    """Return what each model gives each id: float64 [4, ids].

    `ones` counts every id on the training side. The first ids have fewer before them, and are given
    what the shorter context gives.
    """
    size = len(ones)
    found = np.empty((len(NAMES), len(ids)))
    found[0] = 1 / size
    found[1] = (ones[ids] + 1) / (len(train) + size)
    for order, weight in WEIGHTS.items():
        shorter = found[order - 1]
        found[order] = shorter
        if len(ids) >= order:
            grams, contexts = _counts(train, _keys(ids, order, size), order, size)
            lower = shorter[order - 1 :]
            found[order, order - 1 :] = (grams + weight * lower) / (contexts + weight)
    return found


def _keys(ids: NDArray[Any], order: int, size: int) -> NDArray[np.uint64]:
    """Return one number for each n-gram: its ids as digits to the base `size`."""
    wide = ids.astype(np.uint64)
    count = len(wide) - order + 1
    keys = np.zeros(max(0, count), np.uint64)
    for place in range(order if count > 0 else 0):
        keys = keys * np.uint64(size) + wide[place : place + count]
    return keys


def _counts(
    train: Stream, wanted: NDArray[np.uint64], order: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how often each n-gram, and what it begins with, stands on the training side."""
    grams, which_gram = np.unique(wanted, return_inverse=True)
    contexts, which_context = np.unique(wanted // np.uint64(size), return_inverse=True)
    gram_counts, context_counts = np.zeros(len(grams), np.int64), np.zeros(len(contexts), np.int64)
    for _, ids in train.chunks(overlap=order - 1, size=CHUNK):
        keys = np.sort(_keys(ids, order, size))
        gram_counts += _occurrences(keys, grams)
        keys //= np.uint64(size)  # still sorted
        context_counts += _occurrences(keys, contexts)
    return gram_counts[which_gram], context_counts[which_context]


def _occurrences(ordered: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return how often each wanted value stands among ordered ones."""
    return np.searchsorted(ordered, wanted, "right") - np.searchsorted(ordered, wanted, "left")
