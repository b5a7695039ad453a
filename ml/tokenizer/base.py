"""The contract of a token model: text to ids and back, from the vocabulary a model file carries."""

from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import frozen

from ml.containers import Container


class TokenModel(Protocol):
    """What a member of `ml.tokenizer` opens to."""

    def encode(self, text: str) -> list[int]:
        """Return ids, without BOS; text that looks like a special token is plain text."""

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are no UTF-8 become U+FFFD."""


@frozen(kw_only=True)
class TokenModelKind:
    """One row of the list: a kind of vocabulary and how to open it."""

    name: str
    """As `tokenizer.ggml.model` spells it."""
    open: Callable[[Container], TokenModel]
