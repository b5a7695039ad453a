"""Q4_0: 32 four-bit numbers under one half-precision scale, around zero.

Block of 18 bytes (`block_q4_0`): `d` (f16), `qs` (16). Elements 0-15 are the low nibbles of `qs`,
16-31 the high ones. Element = `d·(q - 8)` (`dequantize_row_q4_0` in ggml-quants.c).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import half, nibbles


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 18]` to `float32 [n, 32]`."""
    q = nibbles(blocks[:, 2:]).astype(np.float32) - np.float32(8)
    return half(blocks, 0) * q


Q4_0 = QuantType(name="Q4_0", id=2, block_size=32, block_bytes=18, decode=decode)
