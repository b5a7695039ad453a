"""The quant types, one row each, and decoding by this table.

The numpy engine decodes here. Engine `a` decodes through `tinygrad.llm.gguf`, so the two paths
share no dequantisation code, and a mistake in either shows as a difference between them.
"""

import numpy as np
from numpy.typing import NDArray

from ml.errors import UnsupportedQuantType
from ml.quant_types.base import QuantType
from ml.quant_types.floats import BF16, F16, F32
from ml.quant_types.q4_k import Q4_K
from ml.quant_types.q6_k import Q6_K
from ml.quant_types.q8_0 import Q8_0
from ml.quant_types.undecoded import UNDECODED

QUANT_TYPES: tuple[QuantType, ...] = (F32, F16, BF16, Q8_0, Q4_K, Q6_K, *UNDECODED)

_BY_ID = {quant_type.id: quant_type for quant_type in QUANT_TYPES}
DECODED = tuple(quant_type for quant_type in QUANT_TYPES if quant_type.decode is not None)

__all__ = ["DECODED", "QUANT_TYPES", "QuantType", "decode", "find"]


def find(number: int) -> QuantType | None:
    """Return the type with GGML's number, or None where the table has none."""
    return _BY_ID.get(number)


def decode(
    quant_type: QuantType, data: NDArray[np.uint8], shape: tuple[int, ...], *, tensor: str
) -> NDArray[np.float32]:
    """Return `float32 [shape]` from a tensor's bytes; raise `UnsupportedQuantType` naming both.

    `data` is `uint8 [size_bytes]`; `shape` is outermost first; `tensor` is for the message.
    """
    if quant_type.decode is None:
        raise UnsupportedQuantType(
            f"tensor {tensor} is stored as {quant_type.name}, which cannot be decoded",
            hint=f"convert the model to one of: {', '.join(t.name for t in DECODED)}",
        )
    blocks = np.ascontiguousarray(data).reshape(-1, quant_type.block_bytes)
    return quant_type.decode(blocks).reshape(shape)
