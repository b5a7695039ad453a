"""The quant types, one row each, and decoding by this table.

The numpy engine decodes here. Engine `a` decodes through `tinygrad.llm.gguf`, so the two paths
share no dequantisation code, and a mistake in either shows as a difference between them.
"""

import numpy as np
from numpy.typing import NDArray

from ml.errors import UnsupportedQuantType
from ml.quant_types.base import QuantType
from ml.quant_types.floats import BF16, F16, F32
from ml.quant_types.iq4_nl import IQ4_NL
from ml.quant_types.iq4_xs import IQ4_XS
from ml.quant_types.mxfp4 import MXFP4
from ml.quant_types.q2_k import Q2_K
from ml.quant_types.q3_k import Q3_K
from ml.quant_types.q4_0 import Q4_0
from ml.quant_types.q4_1 import Q4_1
from ml.quant_types.q4_k import Q4_K
from ml.quant_types.q5_0 import Q5_0
from ml.quant_types.q5_1 import Q5_1
from ml.quant_types.q5_k import Q5_K
from ml.quant_types.q6_k import Q6_K
from ml.quant_types.q8_0 import Q8_0
from ml.quant_types.undecoded import UNDECODED

QUANT_TYPES: tuple[QuantType, ...] = (
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    IQ4_NL,
    IQ4_XS,
    MXFP4,
    *UNDECODED,
)

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
    with np.errstate(over="ignore", invalid="ignore"):  # a file may hold any scale; traces count it
        return quant_type.decode(blocks).reshape(shape)
