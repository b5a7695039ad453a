"""Engine `b`'s own reading of GGML's blocks, in tinygrad: integers and scales, no float32 weights.

A type unpacks `uint8 [blocks, block_bytes]` into `Unpacked`. What a number of the tensor is, is the
same for all of them: `(d · scale) · quant - dmin · minimum`, where a type without scales of
sub-blocks has one sub-block of scale 1, and a type without minimums takes nothing away. The layouts
are those of ggml-common.h and the `dequantize_row_*` of ggml-quants.c, read anew and not from
`ml.quant_types`: what is wrong in one of the two shows in the other.
"""

from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen
from tinygrad import Tensor, dtypes


@frozen(kw_only=True)
class Unpacked:
    """Blocks as integers with their scales."""

    quants: Tensor
    """`int8 [blocks, sub-blocks, elements]`."""
    d: Tensor
    """Scale of a block, `float32 [blocks]`: a half, widened."""
    scales: Tensor | None = None
    """Scale of a sub-block, an integer of eight bits `[blocks, sub-blocks]`."""
    dmin: Tensor | None = None
    """Scale of the minimums, `float32 [blocks]`."""
    minimums: Tensor | None = None
    """Minimum of a sub-block, `uint8 [blocks, sub-blocks]`."""


def _half(blocks: Tensor, at: int) -> Tensor:
    """Return the half at byte `at` of each block, widened: `float32 [blocks]`."""
    field = blocks[:, at : at + 2].contiguous()
    return field.bitcast(dtypes.float16).cast(dtypes.float32).reshape(-1)


def _signed(values: Tensor, bias: int) -> Tensor:
    """Take the bias from unsigned bytes; the result fits into int8."""
    return (values.cast(dtypes.int8) - bias).cast(dtypes.int8)


def _halves(packed: Tensor) -> Tensor:
    """`[n, ..., k]` to `[n, ..., 2, k]`: low nibbles, then high ones."""
    return Tensor.stack(packed.bitwise_and(15), packed.rshift(4), dim=-2)


def _planes(packed: Tensor, bits: int) -> Tensor:
    """`[n, ..., k]` to `[n, ..., 8 / bits, k]`: the lowest `bits` of each byte, then the next."""
    mask = (1 << bits) - 1
    shifts = range(0, 8, bits)
    return Tensor.stack(*(packed.rshift(s).bitwise_and(mask) for s in shifts), dim=-2)


def _q8_0(blocks: Tensor) -> Unpacked:
    """34 bytes: d, 32 of int8."""
    return Unpacked(
        quants=blocks[:, 2:].bitcast(dtypes.int8).reshape(-1, 1, 32), d=_half(blocks, 0)
    )


def _q4_0(blocks: Tensor) -> Unpacked:
    """18 bytes: d, 16 of two nibbles with 8 added."""
    quants = _signed(_halves(blocks[:, 2:]).reshape(-1, 1, 32), 8)
    return Unpacked(quants=quants, d=_half(blocks, 0))


def _q5_0(blocks: Tensor) -> Unpacked:
    """22 bytes: d, 4 of fifth bits, 16 of two nibbles; 16 is added."""
    low = _halves(blocks[:, 6:]).reshape(-1, 1, 32)
    fifth = _planes(blocks[:, 2:6].reshape(-1, 4, 1), 1).reshape(-1, 1, 32)
    return Unpacked(quants=_signed(low + fifth.lshift(4), 16), d=_half(blocks, 0))


def _six_bits(fields: Tensor) -> tuple[Tensor, Tensor]:
    """Return scales and minimums of Q4_K and Q5_K, `uint8 [blocks, 8]` each, from their 12 bytes.

    Of the first four: the low six bits of bytes 0-3 (scales) and 4-7 (minimums). Of the last four:
    nibbles of bytes 8-11 below, the top two bits of bytes 0-3 and 4-7 above.
    """
    groups = fields.reshape(-1, 3, 4)
    direct = groups[:, :2].bitwise_and(63)  # [blocks, scale or minimum, 4]
    split = _halves(groups[:, 2]) + groups[:, :2].rshift(6).lshift(4)
    both = Tensor.cat(direct, split, dim=2)  # [blocks, scale or minimum, 8]
    return both[:, 0], both[:, 1]


def _q4_k(blocks: Tensor) -> Unpacked:
    """144 bytes: d, dmin, 12 of scales, 4 times 32 of two nibbles: sub-blocks 2k and 2k + 1."""
    scales, minimums = _six_bits(blocks[:, 4:16])
    return Unpacked(
        quants=_halves(blocks[:, 16:].reshape(-1, 4, 32)).reshape(-1, 8, 32).cast(dtypes.int8),
        d=_half(blocks, 0),
        scales=scales,
        dmin=_half(blocks, 2),
        minimums=minimums,
    )


def _q5_k(blocks: Tensor) -> Unpacked:
    """176 bytes: as Q4_K with 32 of fifth bits before the nibbles, bit j for sub-block j."""
    scales, minimums = _six_bits(blocks[:, 4:16])
    low = _halves(blocks[:, 48:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    fifth = _planes(blocks[:, 16:48], 1)  # [blocks, 8, 32]
    return Unpacked(
        quants=(low + fifth.lshift(4)).cast(dtypes.int8),
        d=_half(blocks, 0),
        scales=scales,
        dmin=_half(blocks, 2),
        minimums=minimums,
    )


def _q6_k(blocks: Tensor) -> Unpacked:
    """210 bytes: twice 64 of two nibbles, twice 32 of four bit pairs, 16 scales of int8, d."""
    low = _halves(blocks[:, :128].reshape(-1, 2, 64)).reshape(-1, 256)
    upper = _planes(blocks[:, 128:192].reshape(-1, 2, 32), 2).reshape(-1, 256)
    return Unpacked(
        quants=_signed(low + upper.lshift(4), 32).reshape(-1, 16, 16),
        d=_half(blocks, 208),
        scales=blocks[:, 192:208].bitcast(dtypes.int8),
    )


UNPACK: Final[Mapping[str, Callable[[Tensor], Unpacked]]] = {
    "Q4_0": _q4_0,
    "Q5_0": _q5_0,
    "Q8_0": _q8_0,
    "Q4_K": _q4_k,
    "Q5_K": _q5_k,
    "Q6_K": _q6_k,
}
