"""IQ4_NL: 32 four-bit codes of an uneven code book, under one half-precision scale.

Block of 18 bytes (`block_iq4_nl`): `d` (f16), `qs` (16), nibbles as in Q4_0.
Element = `d·value[code]` with GGML's sixteen `kvalues_iq4nl` (`dequantize_row_iq4_nl` in
ggml-quants.c).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import IQ4_VALUES, half, nibbles


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 18]` to `float32 [n, 32]`."""
    return half(blocks, 0) * IQ4_VALUES[nibbles(blocks[:, 2:])]


IQ4_NL = QuantType(name="IQ4_NL", id=20, block_size=32, block_bytes=18, decode=decode)
