"""Q5_1: the least of 32 numbers becomes 0, the greatest 31 (`quantize_row_q5_1_ref`)."""

import numpy as np

from ml.quant_types.q5_1 import Q5_1
from ml.quantise.base import Bytes, Floats, Quantiser, half_bytes, inverse, pack_nibbles


def encode(blocks: Floats) -> Bytes:
    """`float32 [n, 32]` to `uint8 [n, 24]`."""
    least = blocks.min(axis=1, keepdims=True)
    d = (blocks.max(axis=1, keepdims=True) - least) / np.float32(31)
    codes = ((blocks - least) * inverse(d) + np.float32(0.5)).astype(np.uint8)
    fifth = np.packbits(codes >> 4, axis=1, bitorder="little")
    parts = [half_bytes(d), half_bytes(least), fifth, pack_nibbles(codes & 15)]
    return np.concatenate(parts, axis=1)


TO_Q5_1 = Quantiser(quant_type=Q5_1, encode=encode, fallback="F16")
