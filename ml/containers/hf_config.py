"""A Hugging Face `config.json` as the metadata that architectures read: one table.

A key is mapped to GGUF's; what GGUF stores as float32 is rounded to float32, which is also how
torch uses it, so that a checkpoint and a GGUF file made from it give one and the same config. A
value of the wrong type is passed on: the architecture refuses it by its key.

What GGUF has no key for, and would silently change the numbers, is refused here for the
architectures whose GGUF form settles it (`_SETTLED`).
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ml.containers.base import legible, map_file
from ml.containers.hf_windows import window_metadata
from ml.errors import MalformedFile, UnsupportedModel

CONFIG: Final = "config.json"
#: Bytes; the largest in use have some 100 kB.
LARGEST_CONFIG: Final = 1_000_000
_LARGEST_NUMBER: Final = 2**63
_HINT: Final = "fetch the checkpoint's config.json again"

#: (in rope_scaling or rope_parameters, after `rope.scaling.`, whether it is a float32); those that
#: GGUF has no key for stand under their own name.
_OF_YARN: Final = (
    ("beta_fast", "yarn_beta_fast", True),
    ("beta_slow", "yarn_beta_slow", True),
    ("attention_factor", "attention_factor", True),
    ("mscale", "mscale", True),
    ("mscale_all_dim", "mscale_all_dim", True),
    ("truncate", "truncate", False),
    ("partial_rotary_factor", "partial_rotary_factor", True),
)
#: (where in config.json, GGUF key after the architecture's name, whether it is a float32). Of
#: several rows with one key, the first that the file has counts.
_ROWS: Final = (
    ("num_hidden_layers", "block_count", False),
    ("max_position_embeddings", "context_length", False),
    ("hidden_size", "embedding_length", False),
    ("intermediate_size", "feed_forward_length", False),
    ("num_attention_heads", "attention.head_count", False),
    ("num_key_value_heads", "attention.head_count_kv", False),
    ("head_dim", "attention.key_length", False),
    ("head_dim", "attention.value_length", False),
    ("rms_norm_eps", "attention.layer_norm_rms_epsilon", True),
    ("vocab_size", "vocab_size", False),
    ("num_local_experts", "expert_count", False),
    ("num_experts", "expert_count", False),
    ("rope_theta", "rope.freq_base", True),
    ("rope_parameters.rope_theta", "rope.freq_base", True),
    ("rope_scaling.rope_type", "rope.scaling.type", False),
    ("rope_scaling.type", "rope.scaling.type", False),
    ("rope_parameters.rope_type", "rope.scaling.type", False),
    ("rope_scaling.factor", "rope.scaling.factor", True),
    ("rope_parameters.factor", "rope.scaling.factor", True),
    (
        "rope_scaling.original_max_position_embeddings",
        "rope.scaling.original_context_length",
        False,
    ),
    (
        "rope_parameters.original_max_position_embeddings",
        "rope.scaling.original_context_length",
        False,
    ),
    ("rope_scaling.low_freq_factor", "rope.scaling.low_freq_factor", True),
    ("rope_scaling.high_freq_factor", "rope.scaling.high_freq_factor", True),
    ("rope_parameters.low_freq_factor", "rope.scaling.low_freq_factor", True),
    ("rope_parameters.high_freq_factor", "rope.scaling.high_freq_factor", True),
    *(
        (f"{where}.{theirs}", f"rope.scaling.{ours}", is_float)
        for theirs, ours, is_float in _OF_YARN
        for where in ("rope_scaling", "rope_parameters")
    ),
)
#: What a value of ours is called in GGUF, where it is called otherwise.
_VALUES: Final[Mapping[tuple[str, object], object]] = {("rope.scaling.type", "default"): "none"}
#: Settings without a GGUF key, and the values at which the architecture is the one GGUF means.
_SETTLED: Final[Mapping[str, tuple[object, ...]]] = {
    "hidden_act": (None, "silu", "swish"),
    "quantization_config": (None,),
    "partial_rotary_factor": (None, 1, 1.0),
}
#: By architecture: the above, and what is its own. Llama's biases are held against the tensors
#: (`ml.containers.checkpoint`).
_SETTLED_FOR: Final[Mapping[str, Mapping[str, tuple[object, ...]]]] = {
    "qwen2": {**_SETTLED, "mlp_bias": (None, False)},
    "qwen3": {**_SETTLED, "mlp_bias": (None, False), "attention_bias": (None, False)},
    # Transformers' Llama has no window, whatever the config says.
    "llama": {**_SETTLED, "sliding_window": (None,)},
    "mistral": _SETTLED,
}
#: By architecture, what transformers takes where config.json says nothing, and GGUF's reader does
#: not take.
_DEFAULTS: Final[Mapping[str, Mapping[str, object]]] = {"qwen3": {"attention.key_length": 128}}


def read_config(path: Path) -> dict[str, Any]:
    """Return what a config.json says; raise `FileUnreadable` or `MalformedFile`."""
    data = map_file(path)
    if len(data) > LARGEST_CONFIG:
        raise _malformed(path, f"has {len(data)} bytes, over the limit of {LARGEST_CONFIG}", 0)
    raw = data[:]
    try:
        text = raw.decode("utf-8")
        config = json.loads(text, object_pairs_hook=_unique, parse_int=_whole)
    except UnicodeDecodeError as error:
        raise _malformed(path, "is not UTF-8", error.start) from None
    except json.JSONDecodeError as error:
        raise _malformed(path, error.msg, len(text[: error.pos].encode())) from None
    except (ValueError, RecursionError) as error:
        raise _malformed(path, str(error), 0) from None
    if not isinstance(config, dict):
        raise _malformed(path, "is no JSON object", 0)
    return config


def _malformed(path: Path, message: str, offset: int) -> MalformedFile:
    return MalformedFile(legible(message), path=path, offset=offset, hint=_HINT)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!r} stands twice")
        found[key] = value
    return found


def _whole(digits: str) -> int:
    """A whole number as JSON writes it; ValueError beyond 64 bits."""
    if len(digits) > 20 or not -_LARGEST_NUMBER <= int(digits) < _LARGEST_NUMBER:
        raise ValueError(f"the number {digits[:24]}… is beyond 64 bits")
    return int(digits)


def to_metadata(config: Mapping[str, Any], path: Path) -> dict[str, object]:
    """Return GGUF metadata; `path` is for messages.

    Raises `UnsupportedModel` where `model_type` is missing, or a setting is not implemented.
    """
    architecture = config.get("model_type")
    if not isinstance(architecture, str) or not architecture:
        raise UnsupportedModel(
            f"{path.name}: model_type is {architecture!r}, not the name of an architecture",
            hint=_HINT,
        )
    _check_settled(config, _SETTLED_FOR.get(architecture, {}), path)
    metadata: dict[str, object] = {"general.architecture": architecture}
    for where, key, is_float in _ROWS:
        value = _find(config, where)
        if value is not None:
            named = _VALUES.get((key, value), value) if isinstance(value, str) else value
            metadata.setdefault(f"{architecture}.{key}", _float32(named) if is_float else named)
    for key, value in _DEFAULTS.get(architecture, {}).items():
        metadata.setdefault(f"{architecture}.{key}", value)
    for key, found in window_metadata(config, path).items():
        metadata[f"{architecture}.{key}"] = found
    return metadata


def _check_settled(
    config: Mapping[str, Any], settled: Mapping[str, tuple[object, ...]], path: Path
) -> None:
    for key, neutral in settled.items():
        value = config.get(key)
        if not any(value == one for one in neutral):
            raise UnsupportedModel(
                f"{path.name}: {key} is {str(value)[:80]}, which is not implemented",
                hint="take a checkpoint without it",
            )


def _find(config: Mapping[str, Any], where: str) -> object:
    """The value at a dotted place; None where the file has none."""
    value: object = config
    for part in where.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _float32(value: object) -> object:
    """A number as float32 has it; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        (rounded,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        return float(value)
    return float(rounded)
