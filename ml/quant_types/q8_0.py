"""Q8_0: 32 signed bytes under one half-precision scale.

Block of 34 bytes: `d` (f16), `qs` (32 of int8). Element i is `d * qs[i]`.
"""

import numpy as np
from numpy.typing import NDArray

from ml.quant_types.base import QuantType


def decode(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 34]` to `float32 [n, 32]`."""
    d = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)  # [n, 1]
    return np.ascontiguousarray(blocks[:, 2:]).view(np.int8).astype(np.float32) * d


Q8_0 = QuantType(name="Q8_0", id=8, block_size=32, block_bytes=34, decode=decode)
