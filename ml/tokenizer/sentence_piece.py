"""SentencePiece BPE (`tokenizer.ggml.model` = `llama`): Llama 2, Mistral, Phi-3 and their kin.

A space is spelled U+2581. Text begins as characters; of all neighbours that together spell a token,
those with the highest score are joined, of equal ones the leftmost, until no two do. What then
spells no token is given byte by byte (`<0x0A>`). That is llama.cpp's algorithm and SentencePiece's;
the `tokenizers` package has another order among equal scores, so it is not used here.

Text is cut first where no token of the vocabulary spans: joining never crosses such a place, so the
ids are the same, and a word that was met before is looked up.

One thing differs: U+2581 in the text itself is given as its three bytes, where SentencePiece takes
it for a space. So decoding gives back what was encoded.
"""

import heapq
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from attrs import define, field

from ml.errors import BadPrompt
from ml.tokenizer.byte_bpe import SPACE, byte_of, mark_bytes
from ml.tokenizer.vocabulary import TokenType, Vocabulary

#: Words whose ids are remembered; beyond, all are forgotten.
_REMEMBERED_WORDS: Final = 1 << 18
#: Longer words are not remembered.
_LONGEST_REMEMBERED: Final = 64
_LITERAL: Final = (TokenType.UNKNOWN, TokenType.CONTROL, TokenType.USER_DEFINED)


@define
class SentencePiece:
    """An opened vocabulary."""

    pieces: tuple[bytes, ...] = field(repr=False)
    prefixes_space: bool
    ids: Mapping[str, int] = field(repr=False)
    scores: Sequence[float] = field(repr=False)
    byte_ids: Mapping[int, int] = field(repr=False)
    word: re.Pattern[str] = field(repr=False)
    """Finds the next stretch that no token spans the end of."""
    space_mark: tuple[int, ...]
    known: dict[str, list[int]] = field(factory=dict, repr=False)

    def encode_plain(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text; raise `BadPrompt` for a byte that has no token."""
        return [self._encode(text) for text in texts]

    def _encode(self, text: str) -> list[int]:
        if SPACE in text and self.space_mark:
            first, *others = (self._spelled(part) for part in text.split(SPACE))
            for ids in others:
                first += [*self.space_mark, *ids]
            return first
        return self._spelled(text)

    def _spelled(self, text: str) -> list[int]:
        known, ids = self.known, []
        if len(known) > _REMEMBERED_WORDS:
            known.clear()
        for word in self.word.findall(text.replace(" ", SPACE)):
            found = known.get(word)
            if found is None:
                found = self._join(word)
                if len(word) <= _LONGEST_REMEMBERED:
                    known[word] = found
            ids += found
        return ids

    def _join(self, word: str) -> list[int]:
        """Return the ids of a word."""
        return [
            token for symbol in joined(word, self.ids, self.scores) for token in self._token(symbol)
        ]

    def _token(self, symbol: str) -> list[int]:
        token = self.ids.get(symbol)
        if token is not None:
            return [token]
        data = symbol.encode()
        if not all(byte in self.byte_ids for byte in data):
            raise BadPrompt(
                f"this vocabulary has no token for the character {symbol!r}, nor for its bytes",
                hint="give token ids with --ids",
            )
        return [self.byte_ids[byte] for byte in data]


def joined(word: str, ids: Mapping[str, int], scores: Sequence[float]) -> list[str]:
    """Return the symbols that a word's characters are joined to.

    A heap of neighbours by score and place; what was joined otherwise since it was put there is
    passed over.
    """
    symbols = list(word)
    following = list(range(1, len(word) + 1))
    preceding = list(range(-1, len(word) - 1))
    heap: list[tuple[float, int, int, str]] = []

    def offer(left: int, right: int) -> None:
        both = symbols[left] + symbols[right]
        token = ids.get(both)
        if token is not None:
            heapq.heappush(heap, (-scores[token], left, right, both))

    for left in range(len(word) - 1):
        offer(left, left + 1)
    while heap:
        _, left, right, both = heapq.heappop(heap)
        if not symbols[left] or not symbols[right] or symbols[left] + symbols[right] != both:
            continue
        symbols[left], symbols[right] = both, ""
        following[left] = following[right]
        if following[left] < len(word):
            preceding[following[left]] = left
            offer(left, following[left])
        if preceding[left] >= 0:
            offer(preceding[left], left)
    return [symbol for symbol in symbols if symbol]


def open_sentence_piece(vocabulary: Vocabulary) -> SentencePiece:
    """Open a vocabulary; every text can be encoded where all 256 bytes have a token."""
    ids = {text: token for token, text in enumerate(vocabulary.tokens)}
    byte_ids = {byte[0]: token for text, token in ids.items() if (byte := byte_of(text))}
    if "\n" not in ids:
        byte_ids.setdefault(10, 0)
    return SentencePiece(
        pieces=tuple(
            text.encode() if its in _LITERAL else byte_of(text) or text.replace(SPACE, " ").encode()
            for text, its in zip(vocabulary.tokens, vocabulary.types, strict=True)
        ),
        prefixes_space=vocabulary.flags.get("space_prefix", True),
        ids=ids,
        scores=vocabulary.scores,
        byte_ids=byte_ids,
        word=word_pattern(vocabulary.tokens),
        space_mark=mark_bytes(vocabulary),
    )


def word_pattern(tokens: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern whose matches, laid end to end, are the text, and split no token.

    Two neighbours can only be joined where some token has the one before the other. So a space
    begins a word where no token has one behind a character of its kind.
    """
    before = {a for token in tokens for a, b in pairwise(token) if b == SPACE}
    alone = before - {SPACE}
    if len(alone) > 64:  # spaces within tokens: take the text whole
        return re.compile(r".+", re.DOTALL)
    kept = "".join(map(re.escape, sorted(alone)))
    spaces = f"{SPACE}+" if SPACE in before else SPACE
    # A word goes on over a space where the character before it allows it.
    inside = f"[^{SPACE}]|(?<=[{kept}]){spaces}" if kept else f"[^{SPACE}]"
    return re.compile(f"{spaces}(?:{inside})*|(?:{inside})+", re.DOTALL)
