"""Documents that are nearly one that was there before: MinHash over shingles of five tokens.

The similarity of two documents is the Jaccard index of their sets of shingles. Each of 128 hash
functions keeps its least value over a document's shingles; two documents agree in a function with a
probability that is their similarity. Pairs to be looked at are those that agree in all 8 values of
one of 16 bands: 99.4 % of the pairs with a similarity of .85, 1 in 320 of those with .35. Of such a
pair, the share of the 128 values that agree is the estimate (its standard error at .85 is .03).
A document is compared with those that stayed, in the order of paths, so chains of near duplicates
do not pull in what is far from their beginning.
"""

from typing import Final

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from ml.corpus.base import Document, Filter, Judge, Settings
from ml.corpus.shingles import shingles

PERMUTATIONS: Final = 128
BANDS: Final = 16
SEED: Final = 42
#: Shingles that are hashed at once, so that 128 rows of them stay in the cache of a core.
_AT_ONCE: Final = 4096


def _multipliers() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return odd factors and summands of the hash functions, from splitmix64 of the seed."""
    with np.errstate(over="ignore"):
        state = np.uint64(SEED) + np.arange(1, 2 * PERMUTATIONS + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        drawn = ((state ^ (state >> np.uint64(31))) >> np.uint64(32)).astype(np.uint32)
    return drawn[:PERMUTATIONS, None] | np.uint32(1), drawn[PERMUTATIONS:, None]


_FACTORS, _SUMMANDS = _multipliers()


def signature(text: bytes) -> NDArray[np.uint32]:
    """Return the least value of each hash function over the shingles of a text: uint32 [128]."""
    hashes = shingles(text)
    least = np.full(PERMUTATIONS, 0xFFFFFFFF, np.uint32)
    space = np.empty((PERMUTATIONS, min(len(hashes), _AT_ONCE)), np.uint32)
    for begin in range(0, len(hashes), _AT_ONCE):
        some = hashes[None, begin : begin + _AT_ONCE]
        values = np.multiply(some, _FACTORS, out=space[:, : some.shape[1]])
        values += _SUMMANDS
        np.minimum(least, values.min(axis=1), out=least)
    return least


@define
class Kept:
    """The signatures of the documents that stayed, and which share a band."""

    signatures: list[NDArray[np.uint32]] = field(factory=list)
    buckets: dict[bytes, list[int]] = field(factory=dict)

    def nearest(self, one: NDArray[np.uint32]) -> float:
        """Return the greatest estimated similarity to a document that shares a band; else 0."""
        met = {place for key in _keys(one) for place in self.buckets.get(key, ())}
        if not met:
            return 0.0
        agreeing = np.array([self.signatures[place] for place in sorted(met)]) == one
        return float(agreeing.mean(axis=1).max())

    def add(self, one: NDArray[np.uint32]) -> None:
        """Remember a document that stays."""
        for key in _keys(one):
            self.buckets.setdefault(key, []).append(len(self.signatures))
        self.signatures.append(one)


def _keys(one: NDArray[np.uint32]) -> list[bytes]:
    """Return the bands as keys of a table."""
    rows = one.reshape(BANDS, -1)
    return [bytes([number]) + rows[number].tobytes() for number in range(BANDS)]


def open_filter(settings: Settings) -> Judge:
    """Return a judge that drops near duplicates of what it let through before."""
    kept = Kept()

    def judge(document: Document) -> Document | None:
        one = signature(document.text.encode())
        if kept.nearest(one) >= settings.near_jaccard:
            return None
        kept.add(one)
        return document

    return judge


FILTER = Filter(name="near", does="drops near duplicates", open=open_filter)
