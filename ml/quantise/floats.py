"""F32, F16 and BF16: numbers as they are, or rounded to the nearest, ties to even."""

import numpy as np

from ml.quant_types.floats import BF16, F16, F32
from ml.quantise.base import Bytes, Floats, Quantiser


def encode_f32(blocks: Floats) -> Bytes:
    """`float32 [n, 1]` to `uint8 [n, 4]`."""
    return np.ascontiguousarray(blocks, dtype="<f4").view(np.uint8)


def encode_f16(blocks: Floats) -> Bytes:
    """`float32 [n, 1]` to `uint8 [n, 2]`; beyond 65504 it becomes infinite."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(blocks.astype("<f2")).view(np.uint8)


def encode_bf16(blocks: Floats) -> Bytes:
    """`float32 [n, 1]` to `uint8 [n, 2]`; a NaN stays one."""
    bits = np.ascontiguousarray(blocks, dtype="<f4").view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1)))) >> np.uint32(16)
    quiet = bits >> np.uint32(16) | np.uint32(64)
    chosen = np.where((bits & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000), quiet, rounded)
    return np.ascontiguousarray(chosen.astype("<u2")).view(np.uint8)


TO_F32 = Quantiser(quant_type=F32, encode=encode_f32)
TO_F16 = Quantiser(quant_type=F16, encode=encode_f16)
TO_BF16 = Quantiser(quant_type=BF16, encode=encode_bf16)
