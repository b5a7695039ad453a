"""The contract of a quantiser: how float32 numbers are packed into the blocks of a quant type.

`encode` takes whole blocks, `float32 [blocks, block_size]` and finite, and returns the bytes,
`uint8 [blocks, block_bytes]`. What it packs, `ml.quant_types` unpacks. The rules are those of
`quantize_row_*_ref` in ggml-quants.c (no importance matrix), so that the bytes are llama.cpp's
wherever the two round alike.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.quant_types import QuantType

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Encoder = Callable[[Floats], Bytes]

#: The limit of ggml's test-quantize-fns for types of four to eight bits: the square root of the sum
#: of squared errors, over the count of numbers, on its synthetic numbers.
LIMIT: Final = 0.002
#: Numbers that a search takes at a time: it makes so many calls of numpy that the time between
#: them counts for more than the cache. It holds some six arrays of them, 3 MB a thread.
SEARCH_PIECE: Final = 1 << 17
#: In a group whose numbers are all smaller there is nothing to scale (ggml's GROUP_MAX_EPS).
SMALLEST: Final = np.float32(1e-15)


@frozen(kw_only=True)
class Quantiser:
    """One row of the table."""

    quant_type: QuantType
    encode: Encoder = field(repr=False)
    piece: int = 1 << 16
    """Numbers that one call packs: what it holds of them should stay in a core's cache."""
    fallback: str | None = None
    """Name of the type that rows take which do not fill its blocks; None where all rows do."""

    @property
    def name(self) -> str:
        """GGML's spelling."""
        return self.quant_type.name


def round_half_away(numbers: Floats) -> Floats:
    """Round to whole numbers, halves away from zero, as C's `roundf`."""
    whole = np.trunc(numbers)
    half = (np.abs(numbers - whole) >= np.float32(0.5)).astype(np.float32)
    return np.asarray(whole + np.copysign(half, numbers), dtype=np.float32)


def inverse(scales: Floats) -> Floats:
    """Return 1 / scale, and 0 where that is no number: such a scale is 0 as a half, too."""
    with np.errstate(all="ignore"):
        found = np.float32(1) / scales
    return np.asarray(np.where(np.isfinite(found), found, np.float32(0)), dtype=np.float32)


def extreme(numbers: Floats) -> Floats:
    """Return the number of the largest magnitude in each row with its sign, `float32 [n, 1]`."""
    at = np.abs(numbers).argmax(axis=1)  # the first one, where several are as large
    return np.take_along_axis(numbers, at[:, None], axis=1)


def half_bytes(scales: Floats) -> Bytes:
    """`float32 [n, 1]` as the bytes of halves, `uint8 [n, 2]`; too large becomes infinite."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(scales.astype("<f2")).view(np.uint8)


def rounded_half(scales: Floats) -> Floats:
    """Return what is left of numbers that are stored as halves."""
    with np.errstate(over="ignore"):
        return scales.astype(np.float16).astype(np.float32)


def pack_nibbles(codes: Bytes) -> Bytes:
    """`uint8 [..., 2n]` below 16 to `uint8 [..., n]`: the first half in the low nibbles."""
    half = codes.shape[-1] // 2
    return np.asarray(codes[..., :half] | codes[..., half:] << 4, dtype=np.uint8)
