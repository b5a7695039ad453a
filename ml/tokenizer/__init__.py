"""Tokenizers: the kinds of vocabulary a model file can carry, and opening one."""

from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from ml.containers import Container, open_container
from ml.errors import BadPrompt, UnknownPretokenizer
from ml.tokenizer.base import TokenModel, TokenModelKind
from ml.tokenizer.byte_bpe import open_byte_bpe

TOKEN_MODELS: tuple[TokenModelKind, ...] = (TokenModelKind(name="gpt2", open=open_byte_bpe),)

__all__ = ["TOKEN_MODELS", "TokenModel", "TokenModelKind", "Tokenizer"]


@frozen
class Tokenizer:
    """The vocabulary of one model file."""

    model: TokenModel = field(repr=False)
    bos_id: int | None = None
    """The token that begins a text, where the file names one."""

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
                return cls(kind.open(container), bos_id=_bos(container))
        raise UnknownPretokenizer(
            f"{container.path.name} has a vocabulary of the kind {name!r}",
            hint=f"the known kinds are {', '.join(kind.name for kind in TOKEN_MODELS)}; "
            "or give token ids with --ids",
        )

    def encode(self, text: str, *, bos: bool = False) -> list[int]:
        """Return ids, without parsing special tokens, and without BOS unless asked.

        Raises `BadPrompt` for text that cannot be encoded, or a BOS that the file does not name.
        """
        if bos and self.bos_id is None:
            raise BadPrompt(
                "the vocabulary names no BOS token", hint="give the whole prompt as token ids"
            )
        begin = [self.bos_id] if bos and self.bos_id is not None else []
        return begin + self.model.encode(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are no UTF-8 become U+FFFD."""
        return self.model.decode(ids)


def _bos(container: Container) -> int | None:
    """The id of the BOS token, where the metadata has a whole number for it."""
    named = container.metadata.get("tokenizer.ggml.bos_token_id")
    return named if isinstance(named, int) and not isinstance(named, bool) else None
