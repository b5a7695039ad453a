"""Activations as ggml quantises them on the CPU before a product with packed weights.

Two types that never stand in a file (`quantize_row_q8_0_ref` and `quantize_row_q8_K_ref` in
ggml-quants.c):

- Q8_0, before Q4_0, Q5_0 and Q8_0: blocks of 32. d = max|x| / 127; q = x · (1 / d), halves away
  from zero; d is then rounded to half precision.
- Q8_K, before the K types: blocks of 256. s = -127 / m with m the value of the largest magnitude;
  q = x · s, halves to even; d = 1 / s in float32. The sign of m goes into q and into d, and out of
  their product: here it is left out of both.

A block with a value that is not finite has no quantised form (in C its conversion is undefined):
all of it is NaN here, so that a NaN upstream is still one downstream.
"""

import numpy as np
from attrs import frozen
from tinygrad import Tensor, dtypes

# Float32 by its bits, so that no optimiser's view of NaN matters.
_MAGNITUDE, _INFINITY = 0x7FFFFFFF, 0x7F800000


@frozen(kw_only=True)
class Activations:
    """Activations in blocks, ready for a product."""

    values: Tensor
    """`[tokens, blocks, elements]`: int8 where they are quantised, else float32."""
    scale: Tensor | None
    """`float32 [tokens, blocks]`; None where they are not quantised."""


def plain(x: Tensor, block_size: int) -> Activations:
    """Cut `float32 [tokens, width]` into blocks, and leave the numbers as they are."""
    return Activations(values=x.reshape(x.shape[0], -1, block_size), scale=None)


def q8_0(x: Tensor) -> Activations:
    """Quantise `float32 [tokens, width]` in blocks of 32."""
    blocks, finite, largest = _largest(x, 32)
    d = _quotient(largest, _number(127.0, x))
    inverse = (d > 0).where(_quotient(_number(1.0, x), d), 0.0)
    q = _rounded((blocks * inverse.unsqueeze(-1)).contiguous(), ties_to_even=False)
    # Written out, as a stored block is: tinygrad folds a cast to f16 and back into nothing.
    stored = d.cast(dtypes.float16).contiguous().cast(dtypes.float32)
    return _checked(q, stored, finite)


def q8_k(x: Tensor) -> Activations:
    """Quantise `float32 [tokens, width]` in blocks of 256."""
    blocks, finite, largest = _largest(x, 256)
    scale = (largest > 0).where(_quotient(_number(127.0, x), largest), 0.0).contiguous()
    q = _rounded((blocks * scale.unsqueeze(-1)).contiguous(), ties_to_even=True).minimum(127.0)
    d = (scale > 0).where(_quotient(_number(1.0, x), scale), 0.0)
    return _checked(q, d, finite)


def _largest(x: Tensor, block_size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return blocks (0 for what is not finite), whether a block is finite, and its max|x|."""
    blocks = x.reshape(x.shape[0], -1, block_size)
    finite = blocks.bitcast(dtypes.uint32).bitwise_and(_MAGNITUDE) < _INFINITY
    held = finite.where(blocks, 0.0).contiguous()
    return held, finite.min(-1), held.abs().max(-1).contiguous()


def _quotient(a: Tensor, b: Tensor) -> Tensor:
    """Return a / b, rounded once."""
    return (a / b).contiguous()


def _number(value: float, like: Tensor) -> Tensor:
    """Return a number in a buffer of its own, `float32 [1]`.

    A constant would become part of the expression: dividing by it, tinygrad multiplies by its
    inverse and rounds twice.
    """
    return Tensor(np.array([value], dtype=np.float32), device=like.device)


def _rounded(x: Tensor, *, ties_to_even: bool) -> Tensor:
    """Round to whole numbers; a half goes to the even one, or away from zero."""
    whole = x.trunc()
    rest = (x - whole).abs()  # exact
    up = rest >= 0.5
    if ties_to_even:
        is_odd = (whole * 0.5).trunc() != whole * 0.5
        up = (rest > 0.5) | ((rest >= 0.5) & is_odd)
    return up.where(whole + x.sign(), whole)


def _checked(q: Tensor, d: Tensor, finite: Tensor) -> Activations:
    """Write out int8 and scale; a block that is not finite gets NaN for a scale."""
    return Activations(
        values=q.cast(dtypes.int8).contiguous(),
        scale=finite.cast(dtypes.bool).where(d, float("nan")).contiguous(),
    )
