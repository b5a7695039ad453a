"""Searching the scale, or scale and minimum, of groups of numbers: what the K types share.

Groups are columns here, `float32 [size, groups]`: sums over a group then add one number after the
other, as the loops of ggml-quants.c do, and numpy works on all groups at once.

Products and sums are separate calls of numpy, each rounded as IEEE 754 says: a fused multiplication
and addition, which some processors have, would choose other scales there.

A try is a scale that numbers are rounded with, and the best scale (and minimum) for the whole
numbers that come out, by weighted least squares. The best of the tries is kept.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.quantise.base import SMALLEST, Floats

_ZERO = np.float32(0)


@frozen
class _Space:
    """Arrays that every try writes into: making new ones costs more than computing."""

    codes: Floats
    first: Floats
    second: Floats

    @classmethod
    def like(cls, x: Floats) -> "_Space":
        return cls(np.empty_like(x), np.empty_like(x), np.empty_like(x))


def search_scale_and_minimum(
    x: Floats, weights: Floats, *, most: int, first: float, step: float, tries: int
) -> tuple[Floats, Floats]:
    """Return scale and minus the minimum of each group, `float32 [groups]` each, neither negative.

    `most` is the greatest code; try t divides the span of a group by `most + first + t·step`
    (`make_qkx2_quants`, squared errors).
    """
    least, greatest = np.minimum(x.min(axis=0), _ZERO), x.max(axis=0)
    sums = weights.sum(axis=0), (weights * x).sum(axis=0)
    is_flat = greatest == least
    space = _Space.like(x)
    with np.errstate(all="ignore"):  # flat groups divide by zero, and are set apart at the end
        iscale = np.float32(most) / (greatest - least)
        scale = np.float32(1) / iscale
        _round(x, least, iscale, most, space.codes)
        best = _error(x, weights, scale, least, space)
        for number in range(tries + 1):
            shift = np.float32(first) + np.float32(step) * np.float32(number) + np.float32(most)
            iscale = shift / (greatest - least)
            _round(x, least, iscale, most, space.codes)
            found, minimum = _fit(x, weights, sums, space)
            error = _error(x, weights, found, minimum, space)
            is_better = error < best  # false where the fit gave no number
            np.copyto(best, error, where=is_better)
            np.copyto(scale, found, where=is_better)
            np.copyto(least, minimum, where=is_better)
    return np.where(is_flat, _ZERO, scale), -least


def _round(x: Floats, least: Floats, iscale: Floats, most: int, codes: Floats) -> None:
    """Write the code of each number into `codes`."""
    np.subtract(x, least, out=codes)
    codes *= iscale
    np.rint(codes, out=codes)
    np.clip(codes, _ZERO, np.float32(most), out=codes)


def _fit(
    x: Floats, weights: Floats, sums: tuple[Floats, Floats], space: _Space
) -> tuple[Floats, Floats]:
    """Scale and minimum of the least squares for these codes; NaN where there are none."""
    sum_w, sum_x = sums
    weighted = np.multiply(weights, space.codes, out=space.first)
    sum_l = weighted.sum(axis=0)
    sum_l2 = sum_of_products(weighted, space.codes, space.second)
    sum_xl = sum_of_products(weighted, x, space.second)
    determinant = sum_w * sum_l2 - sum_l * sum_l
    scale = (sum_w * sum_xl - sum_x * sum_l) / determinant
    minimum = (sum_l2 * sum_x - sum_l * sum_xl) / determinant
    is_above = minimum > 0
    np.copyto(scale, sum_xl / sum_l2, where=is_above)
    np.copyto(minimum, _ZERO, where=is_above)
    np.copyto(scale, np.float32(np.nan), where=~(determinant > 0))
    return scale, minimum


def _error(x: Floats, weights: Floats, scale: Floats, minimum: Floats, space: _Space) -> Floats:
    """Weighted sum of squared errors of each group."""
    off = np.multiply(space.codes, scale, out=space.first)
    off += minimum
    off -= x
    off *= off
    return sum_of_products(off, weights, space.second)


def search_scale(x: Floats, most: int) -> Floats:
    """Return the signed scale of each group for codes from `-most` to `most - 1`.

    Numbers count by their squares (`make_qx_quants` of type 1).
    """
    at = np.abs(x).argmax(axis=0)
    greatest = np.take_along_axis(x, at[None, :], axis=0)[0]
    is_small = np.abs(greatest) < SMALLEST
    weights = x * x
    weighted = weights * x
    space = _Space.like(x)
    with np.errstate(all="ignore"):  # small groups are set apart at the end
        iscale = np.float32(-most) / greatest
        sum_lx, sum_l2 = _try_scale(x, weights, weighted, iscale, most, space)
        scale = np.where(sum_l2 != 0, sum_lx / sum_l2, _ZERO)
        best = scale * sum_lx
        for number in (n for n in range(-9, 10) if n):
            iscale = -(np.float32(most) + np.float32(0.1) * np.float32(number)) / greatest
            sum_lx, sum_l2 = _try_scale(x, weights, weighted, iscale, most, space)
            is_better = (sum_l2 > 0) & (sum_lx * sum_lx > best * sum_l2)
            scale = np.where(is_better, sum_lx / sum_l2, scale)
            best = np.where(is_better, scale * sum_lx, best)
    return np.where(is_small, _ZERO, scale)


def _try_scale(
    x: Floats, weights: Floats, weighted: Floats, iscale: Floats, most: int, space: _Space
) -> tuple[Floats, Floats]:
    """Sums of weight·x·code and weight·code² with the codes of one scale."""
    codes = np.multiply(x, iscale, out=space.codes)
    np.rint(codes, out=codes)
    np.clip(codes, np.float32(-most), np.float32(most - 1), out=codes)
    sum_lx = sum_of_products(weighted, codes, space.second)
    heavy = np.multiply(weights, codes, out=space.first)
    return sum_lx, sum_of_products(heavy, codes, space.second)


def sum_of_products(a: Floats, b: Floats, space: Floats) -> Floats:
    """Sum a·b over each column, one row after the other; `space` is written over."""
    return np.asarray(np.multiply(a, b, out=space).sum(axis=0), dtype=np.float32)


def columns(blocks: Floats, size: int) -> Floats:
    """`float32 [n, width]` to groups of `size` as columns, `float32 [size, n·width/size]`."""
    return np.ascontiguousarray(blocks.reshape(-1, size).T)


def nearest(numbers: Floats, low: int, high: int) -> NDArray[np.int16]:
    """Round to whole numbers, halves to even, from `low` to `high`."""
    return np.clip(np.rint(numbers), np.float32(low), np.float32(high)).astype(np.int16)
