"""How a vocabulary cuts text into words before merging: one row a pre-tokenizer.

Names are those of `tokenizer.ggml.pre`; patterns are those the models were trained with (GPT-2's
from its `encoder.py`, Qwen2's from its `tokenizer.json`), as llama.cpp has them.
"""

from attrs import frozen

from ml.errors import UnknownPretokenizer


@frozen
class Pretokenizer:
    """One row."""

    name: str
    pattern: str
    """A word is one match, in the syntax of Oniguruma."""


PRETOKENIZERS = (
    Pretokenizer(
        "gpt-2",
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    ),
    Pretokenizer(
        "qwen2",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
)


def find_pretokenizer(name: object) -> Pretokenizer:
    """Return the row of this name; raise `UnknownPretokenizer` naming it."""
    for pretokenizer in PRETOKENIZERS:
        if pretokenizer.name == name:
            return pretokenizer
    raise UnknownPretokenizer(
        f"the vocabulary asks for the pre-tokenizer {name!r}",
        hint=f"the known ones are {', '.join(p.name for p in PRETOKENIZERS)}; "
        "or give token ids with --ids",
    )
