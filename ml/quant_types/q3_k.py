"""Q3_K: 256 three-bit numbers in sixteen sub-blocks, each with a signed six-bit scale.

Block of 110 bytes (`block_q3_K`): `hmask` (32), `qs` (64), `scales` (12), `d` (f16). Sub-block j
has the 16 elements 16·j …; the low two bits of an element lie in `qs` as in Q2_K. The third bit of
element e is bit e div 32 of `hmask[e mod 32]`, and says the opposite: where it is clear, 4 is taken
away.
Scale j (`unpack_scales`) is stored with 32 added. Element = `(d·(sc_j - 32))·q`, q from -4 to 3
(`dequantize_row_q3_K` in ggml-quants.c).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import half, nibbles

_SHIFTS = np.array([0, 2, 4, 6], dtype=np.uint8)
_PLACES = np.arange(8, dtype=np.uint8).reshape(1, 8, 1)


def unpack_scales(scales: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`uint8 [n, 12]` to the sixteen six-bit scales, `uint8 [n, 16]`.

    The low four bits of scales 0-7 and 8-15 are the low and the high nibbles of bytes 0-7; the
    upper two bits of scale j are bits 2·(j div 4) of byte 8 + j mod 4.
    """
    upper = (scales[:, None, 8:] >> _SHIFTS[None, :, None]) & 3  # [n, 4, 4]
    return np.asarray(nibbles(scales[:, :8]) | upper.reshape(-1, 16) << 4, dtype=np.uint8)


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 110]` to `float32 [n, 256]`."""
    n = len(blocks)
    scales = unpack_scales(blocks[:, 96:108]).astype(np.float32) - np.float32(32)
    low = (blocks[:, 32:96].reshape(n, 2, 1, 32) >> _SHIFTS[None, None, :, None]) & 3
    kept = (blocks[:, None, :32] >> _PLACES) & 1  # [n, 8, 32]
    q = low.reshape(n, 16, 16).astype(np.int8) - ((kept ^ 1) << 2).reshape(n, 16, 16).astype(
        np.int8
    )
    values = (half(blocks, 108) * scales)[:, :, None] * q.astype(np.float32)
    return values.reshape(n, 256)


Q3_K = QuantType(name="Q3_K", id=11, block_size=256, block_bytes=110, decode=decode)
