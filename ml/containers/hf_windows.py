"""Which layers of a checkpoint see a sliding window, as config.json says it: GGUF's two keys.

Transformers' rules (5.23): Qwen has a switch, `use_sliding_window`, off where it is missing; with
it on, `layer_types` counts where it stands, else the layers below `max_window_layers` (28) see
everything. Mistral has the window in every layer. It is 4096 where config.json does not name it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ml.containers.base import legible
from ml.errors import UnsupportedModel

#: Layers; a config that claims more is damaged.
_MOST_LAYERS: Final = 1 << 16
_SWITCHED: Final = ("qwen2", "qwen3")
_QWEN_FULL_LAYERS: Final = 28
_WINDOW: Final = 4096
_KINDS: Final = {"full_attention": False, "sliding_attention": True}


def window_metadata(config: Mapping[str, Any], path: Path) -> dict[str, object]:
    """Return `attention.sliding_window` and its pattern; empty where there is no window.

    Raises `UnsupportedModel` for layers of a kind that is not known.
    """
    architecture = config.get("model_type")
    window = config.get("sliding_window")
    if architecture in (*_SWITCHED, "mistral") and "sliding_window" not in config:
        window = _WINDOW
    switch = config.get("use_sliding_window", False if architecture in _SWITCHED else None)
    if window is None or switch is False:
        return {}
    found: dict[str, object] = {"attention.sliding_window": window}
    pattern = _pattern(config, path)
    if pattern is not None:
        found["attention.sliding_window_pattern"] = pattern
    return found


def _pattern(config: Mapping[str, Any], path: Path) -> list[bool] | None:
    """Return a flag a layer; None where every layer has the window."""
    kinds = config.get("layer_types")
    if kinds is not None and config.get("model_type") not in _SWITCHED:
        raise _refusal(path, f"layer_types of a {config.get('model_type')} model")
    if kinds is not None and not isinstance(kinds, list):
        raise _refusal(path, f"layer_types is {str(kinds)[:80]}")
    if kinds is not None:
        unknown = [kind for kind in kinds if not isinstance(kind, str) or kind not in _KINDS]
        if unknown:
            raise _refusal(path, f"layer_types has {str(unknown[0])[:80]}")
        return [_KINDS[kind] for kind in kinds]
    if config.get("model_type") not in _SWITCHED:
        return None
    layers = _count(config.get("num_hidden_layers"))
    full = _count(config.get("max_window_layers", _QWEN_FULL_LAYERS))
    if layers is None or layers > _MOST_LAYERS:
        return None  # the architecture says what is wrong with the count of layers
    if full is None:
        raise _refusal(path, f"max_window_layers is {str(config['max_window_layers'])[:80]}")
    return [layer >= full for layer in range(layers)]


def _count(value: object) -> int | None:
    """A whole number from 0 on; None for anything else."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count and isinstance(value, int) else None


def _refusal(path: Path, said: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{path.name}: {legible(said)}, which is not implemented",
        hint="take a checkpoint whose layers see everything, or a sliding window",
    )
