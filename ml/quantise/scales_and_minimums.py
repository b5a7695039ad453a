"""What Q4_K and Q5_K share: six-bit scales and minimums of eight groups of 32 numbers.

Weights are |x| + the group's root mean square (`quantize_row_q4_K_ref`, `quantize_row_q5_K_ref`).
"""

import numpy as np
from attrs import frozen

from ml.quantise.base import Bytes, Floats, half_bytes, rounded_half
from ml.quantise.scale_search import (
    columns,
    nearest,
    search_scale_and_minimum,
    sum_of_products,
)

_GROUP, _GROUPS = 32, 8


@frozen(kw_only=True)
class Head:
    """The first 16 bytes of each block, and the codes that follow from them."""

    data: Bytes
    """`uint8 [n, 16]`: d, dmin, and twelve bytes of scales and minimums."""
    codes: Bytes
    """`uint8 [n, 8, 32]`."""


def quantise_groups(blocks: Floats, *, most: int, first: float, step: float, tries: int) -> Head:
    """Search scales and minimums of `float32 [n, 256]`, and round with what is stored of them."""
    x = columns(blocks, _GROUP)
    mean = np.sqrt(sum_of_products(x, x, np.empty_like(x)) / np.float32(_GROUP))
    scales, minimums = search_scale_and_minimum(
        x, np.abs(x) + mean, most=most, first=first, step=step, tries=tries
    )
    d, sc = _six_bits(scales.reshape(-1, _GROUPS))
    dmin, mn = _six_bits(minimums.reshape(-1, _GROUPS))
    scale = (rounded_half(d) * sc.astype(np.float32)).reshape(-1)
    minimum = (rounded_half(dmin) * mn.astype(np.float32)).reshape(-1)
    with np.errstate(all="ignore"):
        exact = np.where(scale != 0, (x + minimum) / scale, np.float32(0))
    codes = nearest(exact, 0, most).astype(np.uint8).T.reshape(-1, _GROUPS, _GROUP)
    head = np.concatenate([half_bytes(d), half_bytes(dmin), pack_scales(sc, mn)], axis=1)
    return Head(data=head, codes=np.ascontiguousarray(codes))


def _six_bits(values: Floats) -> tuple[Floats, Bytes]:
    """Return the unit of each block, `float32 [n, 1]`, and its values in it, `uint8 [n, 8]`."""
    greatest = values.max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        factor = np.where(greatest > 0, np.float32(63) / greatest, np.float32(0))
    unit = np.maximum(greatest, np.float32(0)) / np.float32(63)
    return unit, nearest(factor * values, 0, 63).astype(np.uint8)


def pack_scales(sc: Bytes, mn: Bytes) -> Bytes:
    """Scales and minimums, `uint8 [n, 8]` each, to twelve bytes: `unpack_scales` the other way."""
    first = sc[:, :4] | sc[:, 4:] >> 4 << 6
    second = mn[:, :4] | mn[:, 4:] >> 4 << 6
    third = (sc[:, 4:] & 15) | (mn[:, 4:] & 15) << 4
    return np.concatenate([first, second, third], axis=1).astype(np.uint8)
