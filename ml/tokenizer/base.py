"""The contract of a token model: text to ids and back, from the vocabulary a model file carries."""

from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import frozen

from ml.tokenizer.vocabulary import Vocabulary


class TokenModel(Protocol):
    """What a member of `ml.tokenizer` opens to."""

    @property
    def pieces(self) -> Sequence[bytes]:
        """The bytes that each id stands for."""

    @property
    def prefixes_space(self) -> bool:
        """Whether a space is put before text at the beginning and behind a special token."""

    def encode_plain(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts without special tokens, each by itself; `BadPrompt` if it cannot.

        The prefixed space is already there.
        """


@frozen(kw_only=True)
class TokenModelKind:
    """One row of the list: a kind of vocabulary and how to open it."""

    name: str
    """As `tokenizer.ggml.model` spells it."""
    open: Callable[[Vocabulary], TokenModel]
