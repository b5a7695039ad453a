"""Q4_K: 21 tries for scale and minimum of each 32 numbers (`quantize_row_q4_K_ref`)."""

import numpy as np

from ml.quant_types.q4_k import Q4_K
from ml.quantise.base import SEARCH_PIECE, Bytes, Floats, Quantiser
from ml.quantise.scales_and_minimums import quantise_groups


def encode(blocks: Floats) -> Bytes:
    """`float32 [n, 256]` to `uint8 [n, 144]`."""
    head = quantise_groups(blocks, most=15, first=-1.0, step=0.1, tries=20)
    pairs = head.codes.reshape(-1, 4, 2, 32)
    packed = (pairs[:, :, 0] | pairs[:, :, 1] << 4).reshape(-1, 128)
    return np.concatenate([head.data, packed], axis=1)


TO_Q4_K = Quantiser(quant_type=Q4_K, encode=encode, piece=SEARCH_PIECE, fallback="Q5_0")
