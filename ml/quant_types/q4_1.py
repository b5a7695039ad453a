"""Q4_1: 32 four-bit numbers under one half-precision scale, above one half-precision minimum.

Block of 20 bytes (`block_q4_1`): `d` (f16), `m` (f16), `qs` (16), nibbles as in Q4_0.
Element = `d·q + m`, product rounded before the sum (`dequantize_row_q4_1` in ggml-quants.c).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import half, nibbles


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 20]` to `float32 [n, 32]`."""
    q = nibbles(blocks[:, 4:]).astype(np.float32)
    return half(blocks, 0) * q + half(blocks, 2)


Q4_1 = QuantType(name="Q4_1", id=3, block_size=32, block_bytes=20, decode=decode)
