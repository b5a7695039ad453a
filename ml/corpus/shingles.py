"""Shingles of five tokens of source code, hashed many at once.

A token is a run of letters, digits, underscores and bytes beyond ASCII, or one other byte that is
no white space. White space counts for nothing, so that another indentation is no other document. A
document of fewer than five tokens has one shingle: all of it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

TOKENS: Final = 5
_WORD, _SIGN, _SPACE = 1, 2, 0
_BASE: Final = 0x9E3779B97F4A7C15
_INVERSE: Final = pow(_BASE, -1, 1 << 64)
_MIX: Final = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)


def _classes() -> bytes:
    table = np.full(256, _SIGN, np.uint8)
    table[[*b"_", *range(0x80, 0x100)]] = _WORD
    for first, last in (b"09", b"az", b"AZ"):
        table[first : last + 1] = _WORD
    table[list(b" \t\n\r\f\v")] = _SPACE
    return table.tobytes()


_CLASSES: Final = _classes()


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return MurmurHash3's 64-bit finaliser of each value, so that every bit counts for all."""
    for factor in _MIX:
        values = (values ^ (values >> np.uint64(33))) * np.uint64(factor)
    return values ^ (values >> np.uint64(33))


def powers(base: int, count: int) -> NDArray[np.uint64]:
    """Return `base` to the powers 0 to count - 1, modulo 2^64."""
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.multiply.accumulate(factors)


class Powers:
    """Powers of the base and of its inverse, as many as were asked for so far."""

    def __init__(self) -> None:
        self._up = self._down = np.ones(1, np.uint64)

    def get(self, count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return `count` powers of both."""
        if len(self._up) < count:
            self._up, self._down = powers(_BASE, 2 * count), powers(_INVERSE, 2 * count)
        return self._up[:count], self._down[:count]


_POWERS: Final = Powers()


def span_hashes(
    values: NDArray[np.uint64], begins: NDArray[np.intp], ends: NDArray[np.intp]
) -> NDArray[np.uint64]:
    """Return a hash of each span `values[begin:end]`: equal spans have equal hashes, wherever.

    It is the polynomial whose coefficients are the values, modulo 2^64, out of sums of prefixes.
    """
    up, down = _POWERS.get(len(values) + 1)
    sums = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values * up[:-1], out=sums[1:])
    return (sums[ends] - sums[begins]) * down[begins]


def shingles(text: bytes) -> NDArray[np.uint32]:
    """Return a hash for each run of five tokens; the same shingle may come again."""
    data = np.frombuffer(text, np.uint8)
    classes = np.frombuffer(text.translate(_CLASSES), np.uint8)
    before = np.concatenate(([np.uint8(_SPACE)], classes[:-1]))
    begins = np.flatnonzero((classes == _SIGN) | ((classes == _WORD) & (before != _WORD)))
    behind = np.concatenate((classes[1:], [np.uint8(_SPACE)]))
    ends = np.flatnonzero((classes == _SIGN) | ((classes == _WORD) & (behind != _WORD))) + 1
    tokens = mixed(span_hashes(data.astype(np.uint64) + np.uint64(1), begins, ends))
    size = min(TOKENS, len(tokens))
    count = len(tokens) - size + 1 if size else 0
    total = np.zeros(count, np.uint64)
    for place in range(size):
        total = total * np.uint64(_BASE) + tokens[place : place + count]
    return (mixed(total) >> np.uint64(32)).astype(np.uint32)
