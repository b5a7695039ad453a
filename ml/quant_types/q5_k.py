"""Q5_K: 256 five-bit numbers in eight sub-blocks, each with a six-bit scale and a six-bit minimum.

Block of 176 bytes (`block_q5_K`): `d` (f16), `dmin` (f16), `scales` (12), `qh` (32), `qs` (128).
Scales, minimums and nibbles are those of Q4_K; bit j of `qh[e]` is the fifth bit of element e of
sub-block j. Element = `(d·sc_j)·q - dmin·mn_j`, in this order of rounding (`dequantize_row_q5_K` in
ggml-quants.c).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import half, nibbles
from ml.quant_types.q4_k import unpack_scales

_PLACES = np.arange(8, dtype=np.uint8).reshape(1, 8, 1)


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 176]` to `float32 [n, 256]`."""
    n = len(blocks)
    sc, mn = unpack_scales(blocks[:, 4:16])
    scale = half(blocks, 0) * sc.astype(np.float32)  # [n, 8]
    minimum = half(blocks, 2) * mn.astype(np.float32)  # [n, 8]
    low = nibbles(blocks[:, 48:].reshape(n, 4, 32)).reshape(n, 8, 32)
    fifth = (blocks[:, None, 16:48] >> _PLACES) & 1  # [n, 8, 32]
    q = (low | fifth << 4).astype(np.float32)
    return (scale[:, :, None] * q - minimum[:, :, None]).reshape(n, 256)


Q5_K = QuantType(name="Q5_K", id=13, block_size=256, block_bytes=176, decode=decode)
