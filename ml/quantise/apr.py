"""APR's own types, and GGML's with padded rows: quantisers that depend on the tensor's shape.

AprQ4: the largest magnitude of 32 numbers becomes 7. AprQ8: that of the whole tensor becomes 127.
A group of zeros has the scale 1. Both divide by the scale before it is rounded, and round halves
away from zero. Rows that fill no block of Q4_K or Q6_K are padded with zeros (spec/formats/apr.md).
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from attrs import frozen

from ml.quant_types import QuantType
from ml.quant_types.apr import APR_Q4, apr_q4, apr_q8, padded_rows
from ml.quantise.base import Bytes, Floats, Quantiser, half_bytes, round_half_away
from ml.quantise.q4_k import TO_Q4_K
from ml.quantise.q6_k import TO_Q6_K

_ONE = np.float32(1)


def _scales(blocks: Floats, most: int) -> Floats:
    """The scale of each row, `float32 [n, 1]`."""
    greatest = np.abs(blocks).max(axis=1, keepdims=True)
    return np.asarray(np.where(greatest == 0, _ONE, greatest / np.float32(most)), dtype=np.float32)


def encode_q4(blocks: Floats) -> Bytes:
    """`float32 [n, 32]` to `uint8 [n, 18]`."""
    scale = _scales(blocks, 7)
    rounded = round_half_away(blocks / scale) + np.float32(8)
    codes = np.clip(rounded, np.float32(0), np.float32(15)).astype(np.uint8)
    return np.concatenate([half_bytes(scale), codes[:, ::2] | codes[:, 1::2] << 4], axis=1)


def encode_q8(blocks: Floats) -> Bytes:
    """`float32 [tensors, elements]` to `uint8 [tensors, 4 + elements]`."""
    scale = _scales(blocks, 127)
    codes = np.clip(round_half_away(blocks / scale), np.float32(-127), np.float32(127))
    data = np.ascontiguousarray(scale, dtype="<f4").view(np.uint8)
    return np.concatenate([data, codes.astype(np.int8).view(np.uint8)], axis=1)


@frozen
class _Padded:
    """Encodes rows, with what they lack of whole blocks, as blocks of another type."""

    quantiser: Quantiser

    def __call__(self, blocks: Floats) -> Bytes:
        size = self.quantiser.quant_type.block_size
        width = -(-blocks.shape[1] // size) * size
        padded = np.zeros((len(blocks), width), np.float32)
        padded[:, : blocks.shape[1]] = blocks
        return self.quantiser.encode(padded.reshape(-1, size)).reshape(len(blocks), -1)


TO_APR_Q4 = Quantiser(quant_type=APR_Q4, encode=encode_q4)
TO_APR_Q8 = Quantiser(quant_type=apr_q8((32,)), encode=encode_q8)


def _q4(shape: tuple[int, ...]) -> Quantiser:
    kind = apr_q4(shape)
    return TO_APR_Q4 if kind == APR_Q4 else _padding(TO_APR_Q4, kind)


def _q8(shape: tuple[int, ...]) -> Quantiser:
    return Quantiser(quant_type=apr_q8(shape), encode=encode_q8)


def _rows(quantiser: Quantiser) -> Callable[[tuple[int, ...]], Quantiser]:
    def of_shape(shape: tuple[int, ...]) -> Quantiser:
        kind = padded_rows(quantiser.quant_type, shape)
        return quantiser if kind == quantiser.quant_type else _padding(quantiser, kind)

    return of_shape


def _padding(quantiser: Quantiser, kind: QuantType) -> Quantiser:
    return Quantiser(quant_type=kind, encode=_Padded(quantiser), piece=quantiser.piece)


#: By name: the quantiser of a tensor of some shape, in an APR file.
OF_SHAPE: Final[Mapping[str, Callable[[tuple[int, ...]], Quantiser]]] = {
    "APR_Q4": _q4,
    "APR_Q8": _q8,
    "Q4_K": _rows(TO_Q4_K),
    "Q6_K": _rows(TO_Q6_K),
}
