"""Q4_0: the number of the largest magnitude becomes -8 (`quantize_row_q4_0_ref`)."""

import numpy as np

from ml.quant_types.q4_0 import Q4_0
from ml.quantise.base import Bytes, Floats, Quantiser, extreme, half_bytes, inverse, pack_nibbles


def encode(blocks: Floats) -> Bytes:
    """`float32 [n, 32]` to `uint8 [n, 18]`."""
    d = extreme(blocks) / np.float32(-8)
    codes = np.minimum(blocks * inverse(d) + np.float32(8.5), np.float32(15)).astype(np.uint8)
    return np.concatenate([half_bytes(d), pack_nibbles(codes)], axis=1)


TO_Q4_0 = Quantiser(quant_type=Q4_0, encode=encode, fallback="F16")
