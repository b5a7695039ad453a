"""The number types of safetensors, one row each, and how numpy reads those that are plain numbers.

Types that GGML has too are the rows of `ml.quant_types`. The others get rows without a GGML number
(theirs is negative): their extent is known and checked, and no model computes with them.
"""

from typing import Final

from ml.quant_types import QuantType, find


def _of_ggml(number: int) -> QuantType:
    quant_type = find(number)
    if quant_type is None:
        raise LookupError(f"GGML type {number} is missing from ml.quant_types")
    return quant_type


def _own(number: int, name: str, size_bytes: int) -> QuantType:
    return QuantType(name=name, id=number, block_size=1, block_bytes=size_bytes)


#: The dtype as the header spells it -> its row.
DTYPES: Final = {
    "F64": _of_ggml(28),
    "F32": _of_ggml(0),
    "F16": _of_ggml(1),
    "BF16": _of_ggml(30),
    "I64": _of_ggml(27),
    "I32": _of_ggml(26),
    "I16": _of_ggml(25),
    "I8": _of_ggml(24),
    "U8": _own(-1, "U8", 1),
    "BOOL": _own(-2, "BOOL", 1),
    "U16": _own(-3, "U16", 2),
    "U32": _own(-4, "U32", 4),
    "U64": _own(-5, "U64", 8),
    "F8_E4M3": _own(-6, "F8_E4M3", 1),
    "F8_E5M2": _own(-7, "F8_E5M2", 1),
}

#: Types that numpy has as they are, and float64 holds (64-bit integers beyond 2^53 are rounded).
NUMPY_TYPES: Final = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
}
