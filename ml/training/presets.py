"""Sizes of models that can be trained by name: the list.

`370m` is the model of the history (hidden 1024, 24 layers, 16 heads over 4); `tiny` is for tests,
`small` for a processor and some minutes.
"""

from typing import Final

from attrs import frozen

from ml.errors import BadOption

#: A vocabulary is padded to a multiple of this, so that a matrix product has whole tiles.
VOCABULARY_MULTIPLE: Final = 64


@frozen(kw_only=True)
class Preset:
    """The shape of a model: RoPE, RMSNorm, SwiGLU, grouped-query attention, tied embedding."""

    name: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    feed_forward: int
    sequence: int
    """Tokens of a window that it is trained on."""
    rope_theta: float = 10_000.0
    epsilon: float = 1e-5

    @property
    def head_dim(self) -> int:
        """Channels of a head."""
        return self.hidden // self.heads


PRESETS: Final = (
    Preset(name="tiny", layers=2, hidden=64, heads=4, kv_heads=2, feed_forward=176, sequence=32),
    Preset(name="small", layers=4, hidden=128, heads=4, kv_heads=2, feed_forward=352, sequence=128),
    Preset(
        name="124m", layers=12, hidden=768, heads=12, kv_heads=12, feed_forward=2048, sequence=1024
    ),
    Preset(
        name="370m", layers=24, hidden=1024, heads=16, kv_heads=4, feed_forward=2816, sequence=1024
    ),
)


def find_preset(name: str) -> Preset:
    """Return the preset of this name. Raises `BadOption` naming those there are."""
    for preset in PRESETS:
        if preset.name == name:
            return preset
    known = ", ".join(preset.name for preset in PRESETS)
    raise BadOption(f"there is no preset {name!r}", hint=f"the presets are {known}")


def padded(vocabulary: int) -> int:
    """Return the rows of the embedding for so many tokens.

    >>> padded(4096), padded(50257)
    (4096, 50304)
    """
    return -(-vocabulary // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE
