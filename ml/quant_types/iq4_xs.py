"""IQ4_XS: 256 codes of IQ4_NL's code book in eight sub-blocks, each with a signed six-bit scale.

Block of 136 bytes (`block_iq4_xs`): `d` (f16), `scales_h` (u16), `scales_l` (4), `qs` (128).
Sub-block j has the 32 elements 32·j …, nibbles of its 16 `qs` bytes as in Q4_0. The low four bits
of its scale are nibble j of `scales_l`, low nibble first, the upper two are bits 2·j of `scales_h`;
the scale is stored with 32 added.
Element = `(d·(sc_j - 32))·value[code]` (`dequantize_row_iq4_xs` in ggml-quants.c).
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import IQ4_VALUES, half, nibbles

_SHIFTS = np.arange(0, 16, 2, dtype=np.uint16).reshape(1, 8)


def unpack_scales(blocks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`uint8 [n, 136]` to the eight six-bit scales, `uint8 [n, 8]`."""
    low = nibbles(blocks[:, 4:8, None]).reshape(-1, 8)
    upper = (np.ascontiguousarray(blocks[:, 2:4]).view("<u2") >> _SHIFTS) & 3
    return np.asarray(low | upper.astype(np.uint8) << 4, dtype=np.uint8)


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 136]` to `float32 [n, 256]`."""
    n = len(blocks)
    scale = half(blocks, 0) * (unpack_scales(blocks).astype(np.float32) - np.float32(32))  # [n, 8]
    values = IQ4_VALUES[nibbles(blocks[:, 8:].reshape(n, 8, 16))]  # [n, 8, 32]
    return (scale[:, :, None] * values).reshape(n, 256)


IQ4_XS = QuantType(name="IQ4_XS", id=23, block_size=256, block_bytes=136, decode=decode)
