"""Sketch v1: 64 numbers a row that keep distances, the numpy reference of spec/formats/sketch.md.

Channel i of a row goes, with the sign of h(i), to lane (i + r(⌊i/64⌋)) mod 64. Both depend on the
channel alone, so any two runs on any machines can be compared without keeping a tensor:
distance² of two rows ≈ Σ(y_a - y_b)². The sketch is linear. It is final: events are for ever.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

VERSION = 1
LANES = 64
SIGN_SALT = 0x9E3779B9
LANE_SALT = 0x85EBCA6B


def fmix32(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """MurmurHash3's 32-bit finaliser, element by element, modulo 2³²."""
    h = values.astype(np.uint32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


@cache
def channel_signs(width: int) -> NDArray[np.float32]:
    """Return the sign of each channel, `float32 [width]` of -1 and +1."""
    channels = np.arange(width, dtype=np.uint32)
    odd = fmix32(channels + np.uint32(SIGN_SALT)) & np.uint32(1)
    signs = np.where(odd == 1, np.float32(-1), np.float32(1))
    signs.flags.writeable = False
    return signs


@cache
def channel_lanes(width: int) -> NDArray[np.int64]:
    """Return the lane of each channel, `int64 [width]` in 0 … 63."""
    channels = np.arange(width, dtype=np.uint32)
    turns = fmix32(channels // np.uint32(LANES) + np.uint32(LANE_SALT)) >> np.uint32(8)
    lanes = ((channels.astype(np.int64) + turns.astype(np.int64)) % LANES).astype(np.int64)
    lanes.flags.writeable = False
    return lanes


@cache
def lane_order(width: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return which channel feeds lane l of block b, and with which sign.

    `int32 [blocks * 64]` and `float32 [blocks * 64]`, position b·64 + l. A block of 64 channels
    fills each lane once, so a sketch is a permutation, a sign and a sum over blocks. Where the last
    block is short, the missing channels have the sign 0 and point at channel 0.
    """
    blocks = -(-width // LANES)
    channels = np.zeros(blocks * LANES, dtype=np.int32)
    signs = np.zeros(blocks * LANES, dtype=np.float32)
    every = np.arange(width)
    slots = every // LANES * LANES + channel_lanes(width)
    channels[slots] = every
    signs[slots] = channel_signs(width)
    return channels, signs


def sketch(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `float32 [rows, 64]` of `float32 [rows, width]`.

    Sums are taken in float64 and rounded once. A row with a NaN or an infinity has no sketch: its
    64 lanes are NaN.
    """
    count, width = rows.shape
    channels, signs = lane_order(width)
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(rows).all(axis=1))
    held = np.where(finite[:, None], rows, np.float32(0)).astype(np.float64)
    lanes = (held[:, channels] * signs).reshape(count, -1, LANES).sum(axis=1)
    with np.errstate(over="ignore"):  # finite rows near the end of float32 may sum to an infinity
        sketched: NDArray[np.float32] = lanes.astype(np.float32)
    sketched[~finite] = np.nan
    return sketched
