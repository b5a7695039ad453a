"""Q8_0: the largest magnitude of 32 numbers becomes 127 (`quantize_row_q8_0_ref`)."""

import numpy as np

from ml.quant_types.q8_0 import Q8_0
from ml.quantise.base import Bytes, Floats, Quantiser, half_bytes, inverse, round_half_away


def encode(blocks: Floats) -> Bytes:
    """`float32 [n, 32]` to `uint8 [n, 34]`."""
    d = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    codes = round_half_away(blocks * inverse(d)).astype(np.int8)
    return np.concatenate([half_bytes(d), codes.view(np.uint8)], axis=1)


TO_Q8_0 = Quantiser(quant_type=Q8_0, encode=encode, fallback="F16")
