"""Q5_1: 32 five-bit numbers under one half-precision scale, above one half-precision minimum.

Block of 24 bytes (`block_q5_1`): `d` (f16), `m` (f16), `qh` (4), `qs` (16); bits and nibbles as in
Q5_0. Element = `d·q + m`, product rounded before the sum (`dequantize_row_q5_1` in ggml-quants.c).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import bits, half, nibbles


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 24]` to `float32 [n, 32]`."""
    q = nibbles(blocks[:, 8:]) | bits(blocks[:, 4:8]) << 4
    return half(blocks, 0) * q.astype(np.float32) + half(blocks, 2)


Q5_1 = QuantType(name="Q5_1", id=7, block_size=32, block_bytes=24, decode=decode)
