"""Fields that blocks of several types are made of: halves, nibbles, bits, a code book.

For this table alone: engine `b` unpacks in tinygrad, and shares nothing with it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# GGML's `kvalues_iq4nl`: what the sixteen codes of IQ4_NL and IQ4_XS stand for.
IQ4_VALUES: Final = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], dtype=np.float32
)


def half(blocks: NDArray[np.uint8], at: int) -> NDArray[np.float32]:
    """Return the half at byte `at` of each block, `float32 [n, 1]`."""
    return np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2").astype(np.float32)


def nibbles(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`uint8 [..., n]` to `uint8 [..., 2n]`: all the low nibbles, then all the high ones."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def bits(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`uint8 [n, bytes]` to `uint8 [n, 8 * bytes]` of 0 and 1, lowest bit first."""
    return np.unpackbits(packed, axis=1, bitorder="little")
