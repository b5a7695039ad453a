"""The weights of a model in training: shapes by name, and what a seed gives at the beginning.

Names are those of GGUF, matrices `[out, in]`, rows of q and k in Hugging Face's order (a GGUF file
of a Llama has them permuted: `ml.architectures.row_order`).
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml.training.presets import Preset

EMBEDDING = "token_embd.weight"
OUTPUT_NORM = "output_norm.weight"
#: Their products are added to the residual stream: they begin smaller, the deeper the model is.
_INTO_RESIDUAL = ("attn_output", "ffn_down")
_DEVIATION = 0.02


def layer_shapes(preset: Preset) -> dict[str, tuple[int, ...]]:
    """Return the shapes of one layer's weights by name without `blk.N.`, in order of use."""
    hidden, inside = preset.hidden, preset.feed_forward
    kv = preset.kv_heads * preset.head_dim
    return {
        "attn_norm": (hidden,),
        "attn_q": (hidden, hidden),
        "attn_k": (kv, hidden),
        "attn_v": (kv, hidden),
        "attn_output": (hidden, hidden),
        "ffn_norm": (hidden,),
        "ffn_gate": (inside, hidden),
        "ffn_up": (inside, hidden),
        "ffn_down": (hidden, inside),
    }


def shapes(preset: Preset, vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight by name, in order of use."""
    found: dict[str, tuple[int, ...]] = {EMBEDDING: (vocabulary, preset.hidden)}
    for layer in range(preset.layers):
        found |= {name_of(layer, name): shape for name, shape in layer_shapes(preset).items()}
    found[OUTPUT_NORM] = (preset.hidden,)
    return found


def name_of(layer: int, name: str) -> str:
    """Return the name of a layer's weight.

    >>> name_of(3, "attn_q")
    'blk.3.attn_q.weight'
    """
    return f"blk.{layer}.{name}.weight"


def count(found: Mapping[str, tuple[int, ...]]) -> int:
    """Return how many numbers tensors of these shapes hold."""
    return sum(math.prod(shape) for shape in found.values())


def initial(preset: Preset, vocabulary: int, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return the weights that a seed gives: norms 1, matrices normal around 0.

    Each weight has a stream of its own (Philox, keyed by the seed and its place), so one of them is
    the same whatever else the model holds, on every machine.
    """
    found = {}
    for place, (name, shape) in enumerate(shapes(preset, vocabulary).items()):
        if len(shape) == 1:
            found[name] = np.ones(shape, dtype=np.float32)
            continue
        into_residual = name.split(".")[-2] in _INTO_RESIDUAL
        deviation = _DEVIATION / math.sqrt(2 * preset.layers) if into_residual else _DEVIATION
        stream = np.random.Generator(np.random.Philox(key=[seed, place]))
        drawn = stream.standard_normal(shape, dtype=np.float32)
        found[name] = drawn * np.float32(deviation)
    return found
