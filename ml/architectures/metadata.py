"""Reading typed metadata: a missing key or a wrong type is an error that names the key."""

import math

from ml.containers import Container
from ml.containers.base import legible
from ml.errors import UnsupportedModel

HINT = "convert the model again with a converter that writes this key"
# A checkpoint's keys come from its config.json (ml.containers.hf_config); a lone file has none.
CHECKPOINT_HINT = "give the folder of the checkpoint, and look at what its config.json says of it"


def required_count(container: Container, key: str) -> int:
    """Return a positive whole number."""
    value = _required(container, key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UnsupportedModel(
            f"{key} is {value!r}, not a positive whole number", hint=_hint(container)
        )
    return value


def optional_count(container: Container, key: str, default: int) -> int:
    """Return a positive whole number, or `default` where the key is absent."""
    return required_count(container, key) if key in container.metadata else default


def required_number(container: Container, key: str) -> float:
    """Return a positive, finite number."""
    value = _required(container, key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnsupportedModel(f"{key} is {value!r}, not a number", hint=_hint(container))
    if not (math.isfinite(value) and value > 0):
        raise UnsupportedModel(f"{key} is {value!r}, not a positive number", hint=_hint(container))
    return float(value)


def optional_number(container: Container, key: str, default: float) -> float:
    """Return a positive, finite number, or `default` where the key is absent."""
    return required_number(container, key) if key in container.metadata else default


def required_text(container: Container, key: str) -> str:
    """Return a string."""
    value = _required(container, key)
    if not isinstance(value, str):
        raise UnsupportedModel(f"{key} is {value!r}, not text", hint=_hint(container))
    return value


def is_at(container: Container, key: str, neutral: tuple[object, ...]) -> bool:
    """Whether a key is absent, or a single value that is one of `neutral`; never for an array."""
    value = container.metadata.get(key)
    return value is None or (isinstance(value, bool | int | float | str) and value in neutral)


def shown(container: Container, key: str) -> str:
    """Return a value as a message can show it: short, of an array its first elements."""
    value, length = container.preview(key, 3)
    return legible(str(value), 80) if length is None else f"an array of {length}"


def _required(container: Container, key: str) -> object:
    if key not in container.metadata:
        raise UnsupportedModel(f"{container.path.name} has no {key}", hint=_hint(container))
    return container.metadata[key]


def _hint(container: Container) -> str:
    return CHECKPOINT_HINT if container.format.startswith("safetensors") else HINT
