"""Q6_K: 256 six-bit numbers in sixteen sub-blocks, each with a signed eight-bit scale.

Block of 210 bytes: `ql` (128, low nibbles), `qh` (64, upper two bits), `scales` (16 of int8),
`d` (f16). In each half of 128 elements, elements 0-63 take the low nibbles of its 64 `ql` bytes and
64-127 the high ones; element e takes bits 2·(e div 32) of its `qh[e mod 32]`.
Element = `(d·scale)·(q - 32)` (`dequantize_row_q6_K`).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType

_UPPER_SHIFTS = np.array([0, 2, 4, 6], dtype=np.uint8).reshape(1, 1, 4, 1)


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 210]` to `float32 [n, 256]`."""
    n = len(blocks)
    low = blocks[:, :128].reshape(n, 2, 1, 64)
    low = np.concatenate([low & 15, low >> 4], axis=2).reshape(n, 2, 4, 32)
    upper = (blocks[:, 128:192].reshape(n, 2, 1, 32) >> _UPPER_SHIFTS) & 3  # [n, 2, 4, 32]
    q = (low | upper << 4).astype(np.int8) - np.int8(32)
    d = np.ascontiguousarray(blocks[:, 208:]).view("<f2").astype(np.float32)  # [n, 1]
    scales = np.ascontiguousarray(blocks[:, 192:208]).view(np.int8).astype(np.float32)
    values = (d * scales)[:, :, None] * q.reshape(n, 16, 16).astype(np.float32)
    return values.reshape(n, 256)


Q6_K = QuantType(name="Q6_K", id=14, block_size=256, block_bytes=210, decode=decode)
