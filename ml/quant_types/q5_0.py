"""Q5_0: 32 five-bit numbers under one half-precision scale, around zero.

Block of 22 bytes (`block_q5_0`): `d` (f16), `qh` (4), `qs` (16, nibbles as in Q4_0). Bit j of `qh`,
lowest first, is the fifth bit of element j. Element = `d·(q - 16)` (`dequantize_row_q5_0` in
ggml-quants.c).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import bits, half, nibbles


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 22]` to `float32 [n, 32]`."""
    q = nibbles(blocks[:, 6:]) | bits(blocks[:, 2:6]) << 4
    return half(blocks, 0) * (q.astype(np.float32) - np.float32(16))


Q5_0 = QuantType(name="Q5_0", id=6, block_size=32, block_bytes=22, decode=decode)
