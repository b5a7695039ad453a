"""The stated RoPE rule, from which every tinygrad engine takes its tables.

Pair i of a head of dimension d turns at position p by the angle p·f(i), f(i) = theta^(-2i/d).
Angles are computed in float64; cos and sin are rounded to float32. Rotate-half convention (Qwen2,
and Llama in Hugging Face order): channel i is paired with channel i + d/2.

Scaling changes f(i). With s the factor, L the original context, and L·f(i) / 2π the turns that
pair i makes over it:

- linear (Chen et al. 2023, "position interpolation"): f / s.
- llama3 (Llama 3.1; transformers' `_compute_llama3_parameters`): f / r, and r is 1 where the turns
  are over `high_frequency`, s where they are under `low_frequency`, and between them
  1 / ((1 - m) / s + m) with m = (turns - low) / (high - low). Every r is rounded to float32: that
  is what GGUF stores (`rope_freqs.weight`), so that both forms of a model give the same angles.
- factors (that tensor of a GGUF file): f / r.
- yarn (Peng et al. 2023, section 3): (1 - m)·f / s + m·f, with m = 1 - clamp((i - a) / (b - a))
  to 0 … 1, a = ⌊c(beta_fast)⌋ but not below 0, b = ⌈c(beta_slow)⌉ but not over d - 1 (a + 0.001
  where they are equal), c(n) = d·ln(L / (2π·n)) / (2·ln theta). Cos and sin are then multiplied by
  the magnitude, 1 + 0.1·ln s unless the file states another, before they are rounded.

The numpy engine has its own implementation of these rules (`ml.engines.reference`), so that a slip
here shows as a difference.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.architectures.base import ModelConfig
from ml.architectures.rope_scaling import UNSCALED, RopeScaling

RULE = "float64 angles, cos and sin rounded to float32; rotate-half pairs"

Array = NDArray[np.float64]


def tables(
    positions: NDArray[np.int64], head_dim: int, theta: float, scaling: RopeScaling = UNSCALED
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return cos and sin, `float32 [positions, head_dim / 2]` each."""
    angles = positions.astype(np.float64)[:, None] * frequencies(head_dim, theta, scaling)[None, :]
    size = magnitude(scaling)
    return (size * np.cos(angles)).astype(np.float32), (size * np.sin(angles)).astype(np.float32)


def frequencies(head_dim: int, theta: float, scaling: RopeScaling = UNSCALED) -> Array:
    """Return by what angle each pair turns from one position to the next, `float64 [head_dim / 2]`.

    >>> frequencies(4, 1e4).tolist()
    [1.0, 0.01]
    """
    pairs = np.arange(head_dim // 2, dtype=np.float64)
    return _SCALED[scaling.kind](np.float64(theta) ** (-2.0 * pairs / head_dim), theta, scaling)


def magnitude(scaling: RopeScaling) -> float:
    """Return what cos and sin are multiplied by; 1 but for yarn."""
    if scaling.kind != "yarn":
        return 1.0
    if scaling.magnitude is not None:
        return scaling.magnitude
    return scaling.magnitude_factor * (1.0 + 0.1 * math.log(max(scaling.factor, 1.0)))


def rule(config: ModelConfig) -> str:
    """Return the rule of a model in words, for the path record.

    Factors are named by a digest: it is the same for a checkpoint and for the GGUF file whose
    converter worked out the same factors from it.
    """
    scaling = config.rope_scaling
    if scaling.kind in ("llama3", "factors"):
        factors = _factors_of(config).astype("<f4").tobytes()
        digest = hashlib.sha256(factors).hexdigest()
        return f"{RULE}; frequencies divided by {len(factors) // 4} factors, sha256 {digest}"
    if scaling.kind == "linear":
        return f"{RULE}; linear scaling, factor {scaling.factor:.9g}"
    if scaling.kind == "yarn":
        return (
            f"{RULE}; YaRN, factor {scaling.factor:.9g}, "
            f"original context {scaling.original_context}, "
            f"{scaling.beta_fast:.9g} to {scaling.beta_slow:.9g} turns, "
            f"magnitude {magnitude(scaling):.9g}"
        )
    return RULE


def _factors_of(config: ModelConfig) -> Array:
    unscaled = frequencies(config.head_dim, config.rope_theta)
    return _factors(unscaled, config.rope_scaling)


def _factors(unscaled: Array, scaling: RopeScaling) -> Array:
    """Return what each frequency is divided by, as float32 has it."""
    if scaling.kind == "factors":
        return np.array(scaling.factors, dtype=np.float64)
    low, high, s = scaling.low_frequency, scaling.high_frequency, scaling.factor
    turns = scaling.original_context * unscaled / (2.0 * math.pi)
    between = (turns - low) / (high - low)
    with np.errstate(divide="ignore"):  # of pairs outside the range, where it is not used
        blended = 1.0 / ((1.0 - between) / s + between)
    factors = np.where(turns > high, 1.0, np.where(turns < low, s, blended))
    return factors.astype(np.float32).astype(np.float64)


def _divided(unscaled: Array, _theta: float, scaling: RopeScaling) -> Array:
    return unscaled / _factors(unscaled, scaling)


def _yarn(unscaled: Array, theta: float, scaling: RopeScaling) -> Array:
    head_dim = 2 * len(unscaled)

    def pair_of(turns: float) -> float:
        share = scaling.original_context / (2.0 * math.pi * turns)
        return head_dim * math.log(share) / (2.0 * math.log(theta))

    first = max(math.floor(pair_of(scaling.beta_fast)), 0)
    last = float(min(math.ceil(pair_of(scaling.beta_slow)), head_dim - 1))
    if last == first:
        last += 0.001
    slow = np.clip((np.arange(len(unscaled)) - first) / (last - first), 0.0, 1.0)
    return slow * unscaled / scaling.factor + (1.0 - slow) * unscaled


#: (frequencies, theta, scaling) -> scaled frequencies, by kind.
_SCALED: Final[Mapping[str, Callable[[Array, float, RopeScaling], Array]]] = {
    "none": lambda unscaled, _theta, _scaling: unscaled,
    "linear": lambda unscaled, _theta, scaling: unscaled / scaling.factor,
    "llama3": _divided,
    "factors": _divided,
    "yarn": _yarn,
}
