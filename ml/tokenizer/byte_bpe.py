"""Byte-level BPE (`tokenizer.ggml.model` = `gpt2`): GPT-2, Llama 3, Qwen and their kin.

A vocabulary spells each of the 256 bytes as a printable character: bytes that are printable in
Latin-1 stand for themselves, the others for U+0100 and up, in order. Cutting and merging is done by
the `tokenizers` package; the check that no character was dropped is done here.

A few vocabularies of this kind (Gemma 4's) spell text as it is, with U+2581 for a space and a token
for each byte that nothing else spells.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

from attrs import define, field

from ml.errors import BadPrompt
from ml.tokenizer.ascii_words import Words, ascii_parts, ascii_words
from ml.tokenizer.pretokenizers import Pretokenizer, find_pretokenizer
from ml.tokenizer.vocabulary import TokenType, Vocabulary, unfit

_PRINTABLE = (range(0x21, 0x7F), range(0xA1, 0xAD), range(0xAE, 0x100))
#: Words whose ids are remembered; beyond, all are forgotten.
_REMEMBERED_WORDS: Final = 1 << 18
SPACE: Final = "\u2581"


@cache
def byte_characters() -> dict[str, int]:
    """Return the byte that each spelling character stands for."""
    printable = [byte for part in _PRINTABLE for byte in part]
    hidden = [byte for byte in range(256) if byte not in printable]
    spelled = {chr(byte): byte for byte in printable}
    return spelled | {chr(0x100 + i): byte for i, byte in enumerate(hidden)}


@define
class ByteBpe:
    """An opened vocabulary."""

    pieces: tuple[bytes, ...] = field(repr=False)
    backend: Any = field(repr=False)
    """A `tokenizers.Tokenizer`; the package has no types to name."""
    merger: Any = field(repr=False)
    """Another that takes each text for one word."""
    words: Words | None = field(repr=False)
    """Cuts ASCII text into words, where the row can be told so."""
    space_mark: tuple[int, ...] = ()
    """Ids of the bytes of U+2581, where the vocabulary spells spaces by that."""
    known: dict[str, list[int]] = field(factory=dict, repr=False)
    """Ids of words that were met."""
    prefixes_space: bool = False

    def encode_plain(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text; raise `BadPrompt` for what the vocabulary cannot spell."""
        if self.space_mark and any(SPACE in text for text in texts):
            return [self._encode_marks(text) for text in texts]
        if self.words is None:
            return self._encode(self.backend, texts)
        parts = [ascii_parts(text) for text in texts]
        slow = [part for each in parts for part in each if not part.isascii()]
        others = iter(self._encode(self.backend, slow))
        return [
            list(
                chain.from_iterable(
                    self._look_up(self.words(part)) if part.isascii() else next(others)
                    for part in each
                )
            )
            for each in parts
        ]

    def _look_up(self, words: list[str]) -> Iterable[int]:
        """Return the ids of words, one after the other."""
        known = self.known
        missing = list(set(words).difference(known))
        if missing:
            if len(known) + len(missing) > _REMEMBERED_WORDS:
                known.clear()
                missing = list(set(words))
            known.update(zip(missing, self._encode(self.merger, missing), strict=True))
        return chain.from_iterable(map(known.__getitem__, words))

    def _encode(self, backend: Any, texts: Sequence[str]) -> list[list[int]]:  # noqa: ANN401
        if not texts:
            return []
        found = backend.encode_batch_fast(texts, add_special_tokens=False)
        encoded: list[list[int]] = [one.ids for one in found]
        # The package drops what it cannot spell, without a word.
        for text, ids in zip(texts, encoded, strict=True):
            if b"".join([self.pieces[token] for token in ids]) != text.encode():
                raise BadPrompt(
                    "the prompt has characters that this vocabulary cannot spell",
                    hint="give token ids with --ids",
                )
        return encoded

    def _encode_marks(self, text: str) -> list[int]:
        """Return the ids of a text with U+2581 in it, which would come back as a space."""
        first, *others = self._encode(self.backend, text.split(SPACE))
        for ids in others:
            first += [*self.space_mark, *ids]
        return first


def open_byte_bpe(vocabulary: Vocabulary) -> ByteBpe:
    """Open a vocabulary; raise `UnknownPretokenizer` or `UnsupportedModel`."""
    import tokenizers
    from tokenizers import models, normalizers, pre_tokenizers

    if vocabulary.merges is None:
        raise unfit(vocabulary, "it has no merges")
    row = find_pretokenizer(vocabulary.pretokenizer)
    pairs = (_pair(merge) for merge in vocabulary.merges)
    try:
        model = models.BPE(
            vocab={text: token for token, text in enumerate(vocabulary.tokens)},
            merges=list(dict.fromkeys(pairs)),
            ignore_merges=row.merges_ignored,
            byte_fallback=row.raw,
        )
    except Exception as error:  # the package raises plain Exception for merges of unknown tokens
        raise unfit(vocabulary, str(error)) from error
    backend, merger = tokenizers.Tokenizer(model), tokenizers.Tokenizer(model)
    backend.pre_tokenizer = _pre_tokenizer(row)
    merger.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    pieces = token_pieces(vocabulary, raw=row.raw)
    if not row.raw:
        return ByteBpe(pieces, backend, merger, ascii_words(row))
    backend.normalizer = normalizers.Replace(" ", SPACE)
    return ByteBpe(pieces, backend, merger, None, space_mark=mark_bytes(vocabulary))


def _pair(merge: str) -> tuple[str, str]:
    """Return both sides; the first can begin with the space that stands between the two."""
    at = merge.find(" ", 1)
    return (merge[:at], merge[at + 1 :]) if at > 0 else (merge, "")


def _pre_tokenizer(row: Pretokenizer) -> Any:  # noqa: ANN401 - the package has no types to name
    import tokenizers
    from tokenizers import pre_tokenizers

    steps: list[Any] = [
        pre_tokenizers.Split(tokenizers.Regex(pattern), behavior="isolated")
        for pattern in row.patterns
    ]
    if row.raw:
        return pre_tokenizers.Sequence(steps)
    spell = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([*steps, spell])


def token_pieces(vocabulary: Vocabulary, *, raw: bool) -> tuple[bytes, ...]:
    """Return the bytes of each token; tokens that stand for themselves are not spelled."""
    return tuple(
        _piece(text, its, raw=raw)
        for text, its in zip(vocabulary.tokens, vocabulary.types, strict=True)
    )


_LITERAL: Final = (TokenType.UNKNOWN, TokenType.CONTROL, TokenType.USER_DEFINED)


def _piece(text: str, its: TokenType, *, raw: bool) -> bytes:
    known = byte_characters()
    if its in _LITERAL:
        return text.encode()
    if raw:
        return byte_of(text) or text.replace(SPACE, " ").encode()
    return b"".join(bytes([known[c]]) if c in known else c.encode() for c in text)


def byte_of(text: str) -> bytes | None:
    """Return the byte that a token such as `<0x0A>` stands for; None for other tokens."""
    if len(text) != 6 or not text.startswith("<0x") or not text.endswith(">"):
        return None
    digits = text[3:5]
    if not all(digit in "0123456789ABCDEF" for digit in digits):
        return None
    return bytes([int(digits, 16)])


def mark_bytes(vocabulary: Vocabulary) -> tuple[int, ...]:
    """Return the ids of the three bytes of U+2581; empty where a byte has no token."""
    ids = {byte: token for token, text in enumerate(vocabulary.tokens) if (byte := byte_of(text))}
    wanted = [bytes([byte]) for byte in SPACE.encode()]
    return tuple(ids[byte] for byte in wanted) if all(byte in ids for byte in wanted) else ()
