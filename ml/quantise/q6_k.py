"""Q6_K: 19 tries for the scale of each 16 numbers (`quantize_row_q6_K_ref`)."""

import numpy as np

from ml.quant_types.q6_k import Q6_K
from ml.quantise.base import (
    SEARCH_PIECE,
    SMALLEST,
    Bytes,
    Floats,
    Quantiser,
    extreme,
    half_bytes,
    rounded_half,
)
from ml.quantise.scale_search import columns, nearest, search_scale


def encode(blocks: Floats) -> Bytes:
    """`float32 [n, 256]` to `uint8 [n, 210]`."""
    x = columns(blocks, 16)
    scales = search_scale(x, 32).reshape(-1, 16)
    greatest = extreme(scales)
    is_small = np.abs(greatest) < SMALLEST
    with np.errstate(all="ignore"):
        iscale = np.where(is_small, np.float32(0), np.float32(-128) / greatest)
        d = np.where(is_small, np.float32(0), np.float32(1) / iscale)
        stored = nearest(iscale * scales, -128, 127)  # [n, 16]
        scale = (rounded_half(d) * stored.astype(np.float32)).reshape(-1)
        exact = np.where(scale != 0, x / scale, np.float32(-32))
    codes = (nearest(exact, -32, 31) + 32).astype(np.uint8).T.reshape(-1, 2, 4, 32)
    low = np.concatenate(
        [
            codes[:, :, 0] & 15 | (codes[:, :, 2] & 15) << 4,
            codes[:, :, 1] & 15 | (codes[:, :, 3] & 15) << 4,
        ],
        axis=2,
    )
    high = codes >> 4
    upper = high[:, :, 0] | high[:, :, 1] << 2 | high[:, :, 2] << 4 | high[:, :, 3] << 6
    n = len(blocks)
    parts = [low.reshape(n, 128), upper.reshape(n, 64), stored.astype(np.int8).view(np.uint8)]
    return np.concatenate([*parts, half_bytes(d)], axis=1)


TO_Q6_K = Quantiser(quant_type=Q6_K, encode=encode, piece=SEARCH_PIECE, fallback="Q8_0")
