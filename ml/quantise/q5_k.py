"""Q5_K: 16 tries for scale and minimum of each 32 numbers (`quantize_row_q5_K_ref`)."""

import numpy as np

from ml.quant_types.q5_k import Q5_K
from ml.quantise.base import SEARCH_PIECE, Bytes, Floats, Quantiser
from ml.quantise.scales_and_minimums import quantise_groups


def encode(blocks: Floats) -> Bytes:
    """`float32 [n, 256]` to `uint8 [n, 176]`."""
    head = quantise_groups(blocks, most=31, first=-0.5, step=0.1, tries=15)
    fifth = np.packbits(head.codes >> 4, axis=1, bitorder="little").reshape(-1, 32)
    pairs = (head.codes & 15).reshape(-1, 4, 2, 32)
    packed = (pairs[:, :, 0] | pairs[:, :, 1] << 4).reshape(-1, 128)
    return np.concatenate([head.data, fifth, packed], axis=1)


TO_Q5_K = Quantiser(quant_type=Q5_K, encode=encode, piece=SEARCH_PIECE, fallback="Q5_1")
