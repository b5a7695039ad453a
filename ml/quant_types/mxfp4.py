"""MXFP4: 32 four-bit floats (one sign, two exponent bits, one mantissa bit) under a power of two.

Block of 17 bytes (`block_mxfp4`): `e` (an exponent with bias 127, E8M0), `qs` (16), nibbles as in
Q4_0. The code book is kept doubled, so that it is whole numbers, and the scale halved: element =
`2^(e - 128)·value[code]` (`dequantize_row_mxfp4` in ggml-quants.c). E = 255, a NaN in the standard
(OCP Microscaling Formats 1.0), is 2^127 here as it is there.
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import nibbles

_VALUES = np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12], dtype=np.float32)


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 17]` to `float32 [n, 32]`."""
    scale = np.ldexp(np.float32(1), blocks[:, :1].astype(np.int32) - 128)  # exact, subnormals too
    return scale.astype(np.float32) * _VALUES[nibbles(blocks[:, 1:])]


MXFP4 = QuantType(name="MXFP4", id=39, block_size=32, block_bytes=17, decode=decode)
