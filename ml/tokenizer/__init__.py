"""Tokenizers: the kinds of vocabulary a model file can carry, and opening one."""

from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from ml.containers import open_container
from ml.errors import UnknownPretokenizer
from ml.tokenizer.base import TokenModel, TokenModelKind
from ml.tokenizer.byte_bpe import open_byte_bpe

TOKEN_MODELS: tuple[TokenModelKind, ...] = (TokenModelKind(name="gpt2", open=open_byte_bpe),)

__all__ = ["TOKEN_MODELS", "TokenModel", "TokenModelKind", "Tokenizer"]


@frozen
class Tokenizer:
    """The vocabulary of one model file."""

    model: TokenModel = field(repr=False)

    @classmethod
    def from_gguf(cls, path: Path | str) -> "Tokenizer":
        """Open the vocabulary of a GGUF file.

        Raises what opening the file raises, and `UnknownPretokenizer` for a vocabulary of a kind,
        or with a pre-tokenizer, that is not in the tables.
        """
        container = open_container(Path(path))
        name = container.metadata.get("tokenizer.ggml.model")
        for kind in TOKEN_MODELS:
            if kind.name == name:
                return cls(kind.open(container))
        raise UnknownPretokenizer(
            f"{container.path.name} has a vocabulary of the kind {name!r}",
            hint=f"the known kinds are {', '.join(kind.name for kind in TOKEN_MODELS)}; "
            "or give token ids with --ids",
        )

    def encode(self, text: str) -> list[int]:
        """Return ids, without BOS and without parsing special tokens; may raise `BadPrompt`."""
        return self.model.encode(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are no UTF-8 become U+FFFD."""
        return self.model.decode(ids)
