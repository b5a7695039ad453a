"""How a file declares sliding-window attention: one number a layer.

A window of w lets position p see the positions p - w + 1 … p, itself among them. Transformers and
llama.cpp count alike. Which layers have the window is told by `attention.sliding_window_pattern`:

    absent           every layer
    a flag a layer   those whose flag is set
    a number n       every layer but each nth: layer i has the full view where i mod n is n - 1;
                     0 is every layer (llama.cpp's `set_swa_pattern`)

Anything else is refused: a guess would change numbers without a word.
"""

from typing import Final

from ml.architectures.metadata import is_at, required_count, shown
from ml.containers import Container
from ml.errors import UnsupportedModel

WINDOW: Final = "attention.sliding_window"
PATTERN: Final = "attention.sliding_window_pattern"
_HINT: Final = "convert the model again, or say in its metadata which layers have the window"


def read_windows(container: Container, architecture: str, layers: int) -> tuple[int, ...]:
    """Return the window of each layer, 0 where it sees everything; empty where no layer has one.

    Raises `UnsupportedModel` for a pattern that is not understood.
    """
    key = f"{architecture}.{WINDOW}"
    if is_at(container, key, (0,)):
        return ()
    window = required_count(container, key)
    # A layer has tensors: a hostile count of layers must not build a huge table.
    if layers > len(container.tensors):
        raise UnsupportedModel(
            f"{layers} layers with a window, and {len(container.tensors)} tensors", hint=_HINT
        )
    flags = _flags(container, f"{architecture}.{PATTERN}", layers)
    return tuple(window if flag else 0 for flag in flags) if any(flags) else ()


def _flags(container: Container, key: str, layers: int) -> list[bool]:
    """Return which layers have the window."""
    if key not in container.metadata:
        return [True] * layers
    value, length = container.preview(key, layers)
    if length is None and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return [value == 0 or layer % value < value - 1 for layer in range(layers)]
    if length == layers and isinstance(value, tuple):
        if all(isinstance(flag, bool) or flag in (0, 1) for flag in value):
            return [bool(flag) for flag in value]
        raise UnsupportedModel(f"{key} holds something that is no flag", hint=_HINT)
    said = f"{length} values for {layers} layers" if length is not None else shown(container, key)
    raise UnsupportedModel(f"{key} is {said}, which is not implemented", hint=_HINT)
