"""RoPE of the numpy engine: its own reading of the rules that `ml.rope` states, pair by pair.

Written from the sources (the papers' formulas and transformers' `modeling_rope_utils`) in terms of
a pair's period, positions a radian, and not from `ml.rope`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ml.architectures.rope_scaling import UNSCALED, RopeScaling

Array = NDArray[np.float64]


def rotate(
    x: Array, head_dim: int, theta: float, *, first: int = 0, scaling: RopeScaling = UNSCALED
) -> Array:
    """Apply RoPE to `[tokens, heads * head_dim]`; row r stands at position `first` + r."""
    tokens, width = x.shape
    half = head_dim // 2
    heads = x.reshape(tokens, width // head_dim, head_dim)
    turned = np.empty_like(heads)
    size = _size(scaling)
    for pair in range(half):
        period = _period(pair, head_dim, theta, scaling)
        angles = np.arange(first, first + tokens, dtype=np.float64) / period
        cos = (np.cos(angles) * size).astype(np.float32).astype(np.float64)[:, None]
        sin = (np.sin(angles) * size).astype(np.float32).astype(np.float64)[:, None]
        one, other = heads[:, :, pair], heads[:, :, pair + half]
        turned[:, :, pair] = one * cos - other * sin
        turned[:, :, pair + half] = other * cos + one * sin
    return turned.reshape(tokens, width)


def _period(pair: int, head_dim: int, theta: float, scaling: RopeScaling) -> float:
    """Positions in which a pair turns by one radian."""
    period = math.pow(theta, 2.0 * pair / head_dim)
    if scaling.kind == "linear":
        return period * scaling.factor
    if scaling.kind == "factors":
        return period * scaling.factors[pair]
    if scaling.kind == "llama3":
        return period * _stretch(2.0 * math.pi * period, scaling)
    if scaling.kind == "yarn":
        kept = _kept(pair, head_dim, theta, scaling)
        return 1.0 / ((1.0 - kept) / (scaling.factor * period) + kept / period)
    if scaling.kind == "none":
        return period
    raise ValueError(f"no rule for the scaling {scaling.kind!r}")  # a bug, not bad input


def _stretch(wavelength: float, scaling: RopeScaling) -> float:
    """Llama 3: by what a wavelength is stretched, as the float32 that GGUF keeps."""
    longest = scaling.original_context / scaling.low_frequency
    shortest = scaling.original_context / scaling.high_frequency
    if wavelength < shortest:
        return 1.0
    if wavelength > longest:
        return scaling.factor
    smooth = scaling.original_context / wavelength - scaling.low_frequency
    smooth /= scaling.high_frequency - scaling.low_frequency
    return float(np.float32(1.0 / ((1.0 - smooth) / scaling.factor + smooth)))


def _kept(pair: int, head_dim: int, theta: float, scaling: RopeScaling) -> float:
    """YaRN: how much of a pair's own frequency is kept, 1 for fast pairs and 0 for slow ones."""

    def pair_that_turns(times: float) -> float:
        ratio = scaling.original_context / (times * 2.0 * math.pi)
        return head_dim * math.log(ratio) / (2.0 * math.log(theta))

    low = max(0, math.floor(pair_that_turns(scaling.beta_fast)))
    high: float = min(head_dim - 1, math.ceil(pair_that_turns(scaling.beta_slow)))
    if low == high:
        high += 0.001
    ramp = (pair - low) / (high - low)
    return 1.0 - min(1.0, max(0.0, ramp))


def _size(scaling: RopeScaling) -> float:
    """YaRN: what keeps the attention's temperature; 1 otherwise."""
    if scaling.kind != "yarn":
        return 1.0
    if scaling.magnitude is not None:
        return scaling.magnitude
    grown = 0.1 * math.log(scaling.factor) + 1.0 if scaling.factor > 1.0 else 1.0
    return grown * scaling.magnitude_factor
