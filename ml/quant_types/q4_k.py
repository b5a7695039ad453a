"""Q4_K: 256 four-bit numbers in eight sub-blocks, each with a six-bit scale and a six-bit minimum.

Block of 144 bytes: `d` (f16), `dmin` (f16), `scales` (12), `qs` (128). Sub-block j has the 32
elements 32·j …; sub-blocks 2k and 2k+1 are the low and the high nibbles of `qs[32k:32k+32]`.
Element = `(d·sc_j)·q - (dmin·mn_j)`, in this order of rounding (`dequantize_row_q4_K`).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType


def unpack_scales(scales: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """`uint8 [n, 12]` to scales and minimums, `uint8 [n, 8]` each (ggml's `get_scale_min_k4`).

    The first four of each are the low six bits of bytes 0-3 and 4-7; the last four have their low
    nibbles in bytes 8-11 and their upper two bits on top of bytes 0-3 and 4-7.
    """
    first, second, third = scales[:, 0:4], scales[:, 4:8], scales[:, 8:12]
    sc = np.concatenate([first & 63, (third & 15) | (first >> 6 << 4)], axis=1)
    mn = np.concatenate([second & 63, (third >> 4) | (second >> 6 << 4)], axis=1)
    return sc, mn


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 144]` to `float32 [n, 256]`."""
    n = len(blocks)
    halves = np.ascontiguousarray(blocks[:, :4]).view("<f2").astype(np.float32)
    sc, mn = unpack_scales(blocks[:, 4:16])
    scale = halves[:, 0:1] * sc.astype(np.float32)  # [n, 8]
    minimum = halves[:, 1:2] * mn.astype(np.float32)  # [n, 8]
    packed = blocks[:, 16:].reshape(n, 4, 1, 32)
    nibbles = np.concatenate([packed & 15, packed >> 4], axis=2).reshape(n, 8, 32)
    values = scale[:, :, None] * nibbles.astype(np.float32) - minimum[:, :, None]
    return values.reshape(n, 256)


Q4_K = QuantType(name="Q4_K", id=12, block_size=256, block_bytes=144, decode=decode)
