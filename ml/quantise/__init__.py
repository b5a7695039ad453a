"""Quantising: float32 numbers to the bytes of a quant type; one row a type.

`encode` works through a tensor in pieces, on as many threads as are asked for; the bytes do not
depend on either.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from ml.quantise.apr import TO_APR_Q4, TO_APR_Q8
from ml.quantise.base import LIMIT, Bytes, Floats, Quantiser
from ml.quantise.floats import TO_BF16, TO_F16, TO_F32
from ml.quantise.q4_0 import TO_Q4_0
from ml.quantise.q4_k import TO_Q4_K
from ml.quantise.q5_0 import TO_Q5_0
from ml.quantise.q5_1 import TO_Q5_1
from ml.quantise.q5_k import TO_Q5_K
from ml.quantise.q6_k import TO_Q6_K
from ml.quantise.q8_0 import TO_Q8_0

QUANTISERS: tuple[Quantiser, ...] = (
    TO_F32,
    TO_F16,
    TO_BF16,
    TO_Q4_0,
    TO_Q5_0,
    TO_Q5_1,
    TO_Q8_0,
    TO_Q4_K,
    TO_Q5_K,
    TO_Q6_K,
    TO_APR_Q4,
    TO_APR_Q8,
)
#: By GGML's name.
BY_NAME: Final[Mapping[str, Quantiser]] = {one.name: one for one in QUANTISERS}

__all__ = ["BY_NAME", "LIMIT", "QUANTISERS", "Quantiser", "encode"]


def encode(quantiser: Quantiser, numbers: Floats, pool: ThreadPoolExecutor | None = None) -> Bytes:
    """Return `uint8 [size_bytes]` of numbers that fill whole blocks, whatever their shape."""
    blocks = numbers.reshape(-1, quantiser.quant_type.block_size)
    step = max(1, quantiser.piece // quantiser.quant_type.block_size)
    out = np.empty((len(blocks), quantiser.quant_type.block_bytes), np.uint8)

    def fill(start: int) -> None:
        out[start : start + step] = quantiser.encode(blocks[start : start + step])

    starts = range(0, len(blocks), step)
    done: Iterator[None] = map(fill, starts) if pool is None else pool.map(fill, starts)
    for _ in done:
        pass
    return out.reshape(-1)
