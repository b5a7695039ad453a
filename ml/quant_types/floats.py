"""F32, F16 and BF16: numbers stored as they are, one a block."""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType


def decode_f32(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 4]` to `float32 [n, 1]`: the bytes are the number."""
    return blocks.view("<f4").astype(np.float32)


def decode_f16(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 2]` to `float32 [n, 1]`: every half is a float32 exactly."""
    return blocks.view("<f2").astype(np.float32)


def decode_bf16(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 2]` to `float32 [n, 1]`: the upper half of a float32."""
    return (blocks.view("<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)


F32 = QuantType(name="F32", id=0, block_size=1, block_bytes=4, decode=decode_f32)
F16 = QuantType(name="F16", id=1, block_size=1, block_bytes=2, decode=decode_f16)
BF16 = QuantType(name="BF16", id=30, block_size=1, block_bytes=2, decode=decode_bf16)
