"""APR's own types, and GGML's where APR pads each row: rows that depend on the tensor's shape.

They have no GGML number (theirs is negative), stand in no GGUF file, and are not in `QUANT_TYPES`.

- AprQ4: per 32 numbers a half `d` and 16 bytes, two codes a byte, the low nibble first; element
  = `d·(code - 8)`. The last block of a tensor is padded with whatever.
- AprQ8: one float32 `d` for the tensor, then a signed byte for each number; element = `d·code`.
  The whole tensor is one block.
- Q4_K and Q6_K rows that fill no block: each row is padded to a multiple of 256 numbers, and is one
  block here.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.quant_types.base import QuantType
from ml.quant_types.fields import half

_Q4_SIZE, _Q4_BYTES = 32, 18


def decode_q4(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [n, 18]` to `float32 [n, 32]`."""
    packed = blocks[:, 2:]
    codes = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1, _Q4_SIZE)
    return half(blocks, 0) * (codes.astype(np.float32) - np.float32(8))


def decode_q8(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`uint8 [tensors, 4 + elements]` to `float32 [tensors, elements]`."""
    scale = np.ascontiguousarray(blocks[:, :4]).view("<f4")
    return scale * np.ascontiguousarray(blocks[:, 4:]).view(np.int8).astype(np.float32)


@frozen
class _Cut:
    """Decodes blocks that several blocks of another type make up, and cuts what is over."""

    kind: QuantType
    width: int

    def __call__(self, blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
        inner = np.ascontiguousarray(blocks).reshape(-1, self.kind.block_bytes)
        if self.kind.decode is None:
            raise LookupError(f"{self.kind.name} has no decoder")
        decoded = self.kind.decode(inner).reshape(len(blocks), -1)
        return np.ascontiguousarray(decoded[:, : self.width])


APR_Q4 = QuantType(
    name="APR_Q4", id=-8, block_size=_Q4_SIZE, block_bytes=_Q4_BYTES, decode=decode_q4
)


def apr_q4(shape: tuple[int, ...]) -> QuantType:
    """AprQ4 of a tensor: its last block may be short."""
    elements = _product(shape)
    if elements % _Q4_SIZE == 0:
        return APR_Q4
    return QuantType(
        name="APR_Q4",
        id=-8,
        block_size=elements,
        block_bytes=-(-elements // _Q4_SIZE) * _Q4_BYTES,
        decode=_Cut(APR_Q4, elements),
    )


def apr_q8(shape: tuple[int, ...]) -> QuantType:
    """AprQ8 of a tensor: one block."""
    elements = _product(shape)
    return QuantType(
        name="APR_Q8", id=-9, block_size=elements, block_bytes=4 + elements, decode=decode_q8
    )


def padded_rows(kind: QuantType, shape: tuple[int, ...]) -> QuantType:
    """`kind` where the rows of a tensor fill its blocks, else with each row padded."""
    width = shape[-1] if shape else 1
    if width % kind.block_size == 0:
        return kind
    return QuantType(
        name=f"{kind.name} (rows of {width}, padded)",
        id=-kind.id - 100,
        block_size=width,
        block_bytes=-(-width // kind.block_size) * kind.block_bytes,
        decode=_Cut(kind, width),
    )


def _product(shape: tuple[int, ...]) -> int:
    elements = 1
    for extent in shape:
        elements *= extent
    return elements
