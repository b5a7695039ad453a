"""Llama 3's scaling of RoPE on the way between GGUF and Hugging Face.

GGUF has a tensor of float32 factors (`rope_freqs.weight`), config.json the four numbers that they
come from. One way they are computed; the other way the published numbers are tried, and only what
gives the same factors, bit for bit, is taken.
"""

from typing import Any, Final

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from ml import rope
from ml.architectures import ModelConfig
from ml.architectures.rope_scaling import RopeScaling
from ml.errors import BadConversion

#: low and high frequency, and the powers of two that an original context may be.
_FREQUENCIES: Final = ((1.0, 4.0),)
_CONTEXTS: Final = tuple(1 << power for power in range(6, 21))


def factors(config: ModelConfig) -> NDArray[np.float32]:
    """Return what each pair's frequency is divided by, `float32 [head_dim / 2]`."""
    unscaled = rope.frequencies(config.head_dim, config.rope_theta)
    scaled = rope.frequencies(config.head_dim, config.rope_theta, config.rope_scaling)
    return np.asarray(unscaled / scaled, dtype=np.float32)


def config_entry(config: ModelConfig) -> dict[str, Any]:
    """Return `rope_scaling` of config.json for a tensor of factors; raise `BadConversion`."""
    wanted = factors(config)
    for context in _CONTEXTS:
        for low, high in _FREQUENCIES:
            scaling = RopeScaling(
                kind="llama3",
                factor=float(wanted.max()),
                original_context=context,
                low_frequency=low,
                high_frequency=high,
            )
            if np.array_equal(factors(evolve(config, rope_scaling=scaling)), wanted):
                return {
                    "rope_type": "llama3",
                    "factor": scaling.factor,
                    "original_max_position_embeddings": context,
                    "low_freq_factor": low,
                    "high_freq_factor": high,
                }
    raise BadConversion(
        "rope_freqs.weight holds factors that no numbers of config.json stand for",
        hint="convert to GGUF or APR, which keep the tensor",
    )
