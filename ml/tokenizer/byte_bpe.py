"""Byte-level BPE (`tokenizer.ggml.model` = `gpt2`): GPT-2, Qwen2 and their kin.

A vocabulary spells each of the 256 bytes as a printable character: bytes that are printable in
Latin-1 stand for themselves, the others for U+0100 and up, in order. Merging is done by the
`tokenizers` package; spelling and the check that no character was dropped are done here.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from attrs import field, frozen

from ml.containers import Container
from ml.errors import BadPrompt, UnsupportedModel
from ml.tokenizer.pretokenizers import find_pretokenizer

_PRINTABLE = (range(0x21, 0x7F), range(0xA1, 0xAD), range(0xAE, 0x100))


@cache
def byte_characters() -> dict[str, int]:
    """Return the byte that each spelling character stands for."""
    printable = [byte for part in _PRINTABLE for byte in part]
    hidden = [byte for byte in range(256) if byte not in printable]
    spelled = {chr(byte): byte for byte in printable}
    return spelled | {chr(0x100 + i): byte for i, byte in enumerate(hidden)}


@frozen
class ByteBpe:
    """An opened vocabulary."""

    tokens: tuple[str, ...] = field(repr=False)
    """Spelling of each id."""
    backend: Any = field(repr=False)
    """A `tokenizers.Tokenizer`; the package has no types to name."""

    def encode(self, text: str) -> list[int]:
        """Return ids; raise `BadPrompt` for text that the vocabulary cannot spell."""
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise BadPrompt(
                f"the prompt holds a half of a surrogate pair at character {error.start}",
                hint="give the prompt as UTF-8",
            ) from None
        ids: list[int] = self.backend.encode(text, add_special_tokens=False).ids
        # The package drops what it cannot spell, without a word.
        if self._bytes(ids) != data:
            raise BadPrompt(
                "the prompt has characters that this vocabulary cannot spell",
                hint="give token ids with --ids",
            )
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text; raise `BadPrompt` for an id outside the vocabulary."""
        outside = [token for token in ids if not 0 <= token < len(self.tokens)]
        if outside:
            raise BadPrompt(
                f"{outside[0]} is outside the vocabulary of {len(self.tokens)}",
                hint="decode with the vocabulary that made the ids",
            )
        return self._bytes(ids).decode(errors="replace")

    def _bytes(self, ids: Sequence[int]) -> bytes:
        known = byte_characters()
        pieces = [
            bytes([known[c]]) if c in known else c.encode(errors="replace")
            for token in ids
            for c in self.tokens[token]
        ]
        return b"".join(pieces)


def open_byte_bpe(container: Container) -> ByteBpe:
    """Open the vocabulary of a model file; raise `UnknownPretokenizer` or `UnsupportedModel`."""
    import tokenizers
    from tokenizers import models, pre_tokenizers

    tokens = _texts(container, "tokenizer.ggml.tokens")
    pairs = (merge.partition(" ") for merge in _texts(container, "tokenizer.ggml.merges"))
    merges = [(left, right) for left, _, right in pairs]
    pretokenizer = find_pretokenizer(container.metadata.get("tokenizer.ggml.pre"))
    try:
        model = models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges)
    except Exception as error:  # the package raises plain Exception for merges of unknown tokens
        raise UnsupportedModel(
            f"the vocabulary of {container.path.name} does not fit together: {error}",
            hint="convert the model again, or give token ids with --ids",
        ) from error
    backend = tokenizers.Tokenizer(model)
    split = pre_tokenizers.Split(tokenizers.Regex(pretokenizer.pattern), behavior="isolated")
    spell = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, spell])
    return ByteBpe(tokens, backend)


def _texts(container: Container, key: str) -> tuple[str, ...]:
    value = container.metadata.get(key)
    if not isinstance(value, tuple) or not all(isinstance(text, str) for text in value):
        raise UnsupportedModel(
            f"{container.path.name} has no list of texts {key}",
            hint="the file has no vocabulary: give token ids with --ids",
        )
    return value
