"""Q2_K: 256 two-bit numbers in sixteen sub-blocks, each with a four-bit scale and minimum.

Block of 84 bytes (`block_q2_K`): `scales` (16), `qs` (64), `d` (f16), `dmin` (f16). Sub-block j
has the 16 elements 16·j …; its scale is the low nibble of `scales[j]`, its minimum the high one. In
each half of 128 elements, element e takes bits 2·(e div 32) of byte e mod 32 of its 32 `qs` bytes.
Element = `(d·sc_j)·q - dmin·mn_j`, in this order of rounding (`dequantize_row_q2_K` in
ggml-quants.c).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import half

_SHIFTS = np.array([0, 2, 4, 6], dtype=np.uint8).reshape(1, 1, 4, 1)


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 84]` to `float32 [n, 256]`."""
    n = len(blocks)
    scales = blocks[:, :16]
    scale = half(blocks, 80) * (scales & 15).astype(np.float32)  # [n, 16]
    minimum = half(blocks, 82) * (scales >> 4).astype(np.float32)  # [n, 16]
    q = (blocks[:, 16:80].reshape(n, 2, 1, 32) >> _SHIFTS) & 3  # [n, 2, 4, 32]
    values = scale[:, :, None] * q.reshape(n, 16, 16).astype(np.float32) - minimum[:, :, None]
    return values.reshape(n, 256)


Q2_K = QuantType(name="Q2_K", id=10, block_size=256, block_bytes=84, decode=decode)
