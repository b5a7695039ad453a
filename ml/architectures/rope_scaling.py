"""How a file has RoPE scaled: its keys and its tensor of factors, as one frozen value.

Only read here; what the kinds mean is in `ml.rope`, and once more in `ml.engines.reference`. A key
that a kind does not know is refused by name, unless it stands at the value that changes nothing.

GGUF keeps Llama 3's scaling as a tensor of float32 factors, one a pair, that its converter worked
out from config.json (`rope_freqs.weight`); a checkpoint has the four numbers they come from.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from attrs import frozen

from ml.architectures.metadata import is_at, required_count, required_number, shown
from ml.containers import Container
from ml.errors import UnsupportedModel

#: The tensor of factors, `float32 [head_dim / 2]`.
FACTORS: Final = "rope_freqs.weight"
#: Half of the widest head that makes sense, many times over.
MOST_FACTORS: Final = 1 << 16
_HINT: Final = "trace a model without it"


@frozen(kw_only=True)
class RopeScaling:
    """How the angles of RoPE are scaled; `kind` says which of the fields count."""

    kind: str = "none"
    """none, linear, llama3, yarn, or factors (a tensor of the file)."""
    factor: float = 1.0
    """How many times longer the context became."""
    original_context: int = 0
    """Positions that the model was made for before that."""
    low_frequency: float = 1.0
    high_frequency: float = 4.0
    """llama3: turns over the original context below, and above, which a pair is slow, or fast."""
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    """yarn: turns over the original context between which a pair is blended."""
    magnitude_factor: float = 1.0
    """yarn: what the magnitude that follows from `factor` is multiplied by."""
    magnitude: float | None = None
    """yarn: the magnitude itself, where the file states it."""
    factors: tuple[float, ...] = ()
    """factors: what the frequency of each pair is divided by."""


UNSCALED: Final = RopeScaling()
#: (key after `rope.scaling.`, field) of each kind: keys that it needs, then keys that it may have.
_KINDS: Final[Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]]] = {
    "none": ({}, {}),
    "linear": ({"factor": "factor"}, {}),
    "llama3": (
        {
            "factor": "factor",
            "original_context_length": "original_context",
            "low_freq_factor": "low_frequency",
            "high_freq_factor": "high_frequency",
        },
        {},
    ),
    "yarn": (
        {"factor": "factor", "original_context_length": "original_context"},
        {
            "attn_factor": "magnitude_factor",
            "attention_factor": "magnitude",
            "yarn_beta_fast": "beta_fast",
            "yarn_beta_slow": "beta_slow",
        },
    ),
}
#: Other keys, and the values at which they change nothing.
_NEUTRAL: Final[Mapping[str, tuple[object, ...]]] = {
    "factor": (1.0,),
    "alpha": (0.0, 1.0),
    "attn_factor": (1.0,),
    "partial_rotary_factor": (1, 1.0),
    "truncate": (True,),
    "yarn_ext_factor": (-1.0, 1.0),
    "yarn_attn_factor": (1.0,),
    "yarn_log_multiplier": (0.0,),
}
#: Keys that say where the model comes from, and nothing of how it is computed.
_OF_NO_EFFECT: Final = ("type", "finetuned", "original_context_length")


def read_rope_scaling(container: Container, architecture: str) -> RopeScaling:
    """Return the scaling; raise `UnsupportedModel` naming key and value of what is not done."""
    prefix = f"{architecture}.rope.scaling."
    key = f"{prefix}type"
    kind = container.metadata.get(key, "none")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _refusal(f"{prefix}type is {shown(container, key)!r}, which is not implemented")
    needed, optional = _KINDS[kind]
    fields = dict(needed) | {
        k: field for k, field in optional.items() if prefix + k in container.metadata
    }
    for other in container.metadata:
        name = other.removeprefix(prefix)
        if name != other and name not in fields and name not in _OF_NO_EFFECT:
            _check_neutral(container, other, name, kind)
    _check_older_key(container, architecture)
    for name in needed:
        if prefix + name not in container.metadata:
            raise _refusal(f"{prefix}type is {kind!r}, and there is no {prefix}{name}")
    values = {
        field: required_count(container, prefix + name)
        if field == "original_context"
        else required_number(container, prefix + name)
        for name, field in fields.items()
    }
    scaling = RopeScaling(kind=kind, **values)  # type: ignore[arg-type]
    _check_order(scaling, prefix)
    return _with_factors(container, scaling, prefix)


def _check_neutral(container: Container, key: str, name: str, kind: str) -> None:
    if not is_at(container, key, _NEUTRAL.get(name, ())):
        value = shown(container, key)
        raise _refusal(
            f"{key} is {value}, which is not implemented with rope.scaling.type {kind!r}"
        )


def _check_older_key(container: Container, architecture: str) -> None:
    """GGUF's key of before `rope.scaling`: llama.cpp reads it still."""
    key = f"{architecture}.rope.scale_linear"
    if not is_at(container, key, (1.0,)):
        raise _refusal(f"{key} is {shown(container, key)}, which is not implemented")


def _check_order(scaling: RopeScaling, prefix: str) -> None:
    if scaling.kind == "llama3" and not scaling.low_frequency < scaling.high_frequency:
        raise _refusal(
            f"{prefix}low_freq_factor is {scaling.low_frequency}, not below high_freq_factor "
            f"{scaling.high_frequency}"
        )
    if scaling.kind == "yarn" and not scaling.beta_slow < scaling.beta_fast:
        raise _refusal(
            f"{prefix}yarn_beta_slow is {scaling.beta_slow}, not below yarn_beta_fast "
            f"{scaling.beta_fast}"
        )


def _with_factors(container: Container, scaling: RopeScaling, prefix: str) -> RopeScaling:
    """Return the scaling by the tensor of factors, where the file has one."""
    tensor = container.tensors.get(FACTORS)
    if tensor is None:
        return scaling
    if scaling.kind != "none":
        raise _refusal(f"{prefix}type is {scaling.kind!r}, and there is {FACTORS} besides")
    if tensor.quant_type.name != "F32":
        raise _refusal(f"{FACTORS} is stored as {tensor.quant_type.name}, not as F32")
    if tensor.elements > MOST_FACTORS:
        raise _refusal(f"{FACTORS} has {tensor.elements} factors, over the limit of {MOST_FACTORS}")
    factors = container.tensor_bytes(FACTORS).view("<f4").astype(np.float64)
    if not (np.isfinite(factors).all() and (factors > 0).all()):
        raise _refusal(f"{FACTORS} holds a factor that is not a positive number")
    return RopeScaling(kind="factors", factors=tuple(factors.tolist()))


def _refusal(message: str) -> UnsupportedModel:
    return UnsupportedModel(message, hint=_HINT)
