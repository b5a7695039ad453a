"""Q5_0: the number of the largest magnitude becomes -16 (`quantize_row_q5_0_ref`)."""

import numpy as np

from ml.quant_types.q5_0 import Q5_0
from ml.quantise.base import Bytes, Floats, Quantiser, extreme, half_bytes, inverse, pack_nibbles


def encode(blocks: Floats) -> Bytes:
    """`float32 [n, 32]` to `uint8 [n, 22]`."""
    d = extreme(blocks) / np.float32(-16)
    codes = np.minimum(blocks * inverse(d) + np.float32(16.5), np.float32(31)).astype(np.uint8)
    fifth = np.packbits(codes >> 4, axis=1, bitorder="little")
    return np.concatenate([half_bytes(d), fifth, pack_nibbles(codes & 15)], axis=1)


TO_Q5_0 = Quantiser(quant_type=Q5_0, encode=encode, fallback="F16")
