"""Tokenizers: the kinds of vocabulary a model file can carry, and opening one."""

from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from ml.containers import open_container
from ml.errors import BadPrompt, UnknownPretokenizer
from ml.tokenizer.base import TokenModel, TokenModelKind
from ml.tokenizer.byte_bpe import open_byte_bpe
from ml.tokenizer.fragments import Cutter
from ml.tokenizer.hugging_face import NAME, open_folder
from ml.tokenizer.sentence_piece import open_sentence_piece
from ml.tokenizer.vocabulary import TokenType, Vocabulary, read_vocabulary

TOKEN_MODELS: tuple[TokenModelKind, ...] = (
    TokenModelKind(name="gpt2", open=open_byte_bpe),
    TokenModelKind(name="gemma4", open=open_byte_bpe),
    TokenModelKind(name="llama", open=open_sentence_piece),
)

__all__ = ["TOKEN_MODELS", "TokenModel", "TokenModelKind", "Tokenizer"]


@frozen
class Tokenizer:
    """The vocabulary of one model file."""

    model: TokenModel = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    plain: Cutter = field(repr=False)
    """Cuts out user-defined tokens."""
    parsing: Cutter = field(repr=False)
    """Cuts out control tokens too."""
    special_ids: frozenset[int] = field(repr=False)
    """Tokens that stand for themselves: user-defined, control and unknown."""
    bos_id: int | None = None
    """The token that begins a text, where the file names one."""
    eos_id: int | None = None
    """The token that ends a text, where the file names one."""

    @classmethod
    def from_gguf(cls, path: Path | str) -> "Tokenizer":
        """Open the vocabulary of a GGUF file, or of a checkpoint's folder with a tokenizer.json.

        Raises what opening the file raises, and `UnknownPretokenizer` for a vocabulary of a kind,
        or with a pre-tokenizer, that is not in the tables.
        """
        if (Path(path) / NAME).is_file():
            return cls.of(*open_folder(Path(path)))
        container = open_container(Path(path))
        name = container.metadata.get("tokenizer.ggml.model")
        for kind in TOKEN_MODELS:
            if kind.name == name:
                vocabulary = read_vocabulary(container)
                return cls.of(kind.open(vocabulary), vocabulary)
        raise UnknownPretokenizer(
            f"{container.path.name} has a vocabulary of the kind {name!r}",
            hint=f"the known kinds are {', '.join(kind.name for kind in TOKEN_MODELS)}; "
            "or give token ids with --ids",
        )

    @classmethod
    def of(cls, model: TokenModel, vocabulary: Vocabulary) -> "Tokenizer":
        """Return the tokenizer of an opened token model."""
        defined = vocabulary.of_type(TokenType.USER_DEFINED)
        special = vocabulary.of_type(TokenType.USER_DEFINED, TokenType.CONTROL, TokenType.UNKNOWN)
        strips = [
            token
            for token in special
            if vocabulary.strips_behind_special
            and vocabulary.tokens[token] not in ("<unk>", "<s>", "<|endoftext|>")
        ]
        return cls(
            model,
            vocabulary,
            plain=Cutter.of(vocabulary.tokens, defined),
            parsing=Cutter.of(vocabulary.tokens, special, strips),
            special_ids=frozenset(special),
            bos_id=vocabulary.ids.get("bos"),
            eos_id=vocabulary.ids.get("eos"),
        )

    @property
    def end_ids(self) -> frozenset[int]:
        """Ids that end a generation."""
        return self.vocabulary.end_ids

    def encode(self, text: str, *, bos: bool = False, special: bool = False) -> list[int]:
        """Return ids, without parsing special tokens and without BOS unless asked.

        Raises `BadPrompt` for text that cannot be encoded, or a BOS that the file does not name.
        """
        return self.encode_batch([text], bos=bos, special=special)[0]

    def encode_batch(
        self, texts: Sequence[str], *, bos: bool = False, special: bool = False
    ) -> list[list[int]]:
        """Return the ids of each text, as `encode` does; byte-level BPE uses all processors."""
        if bos and self.bos_id is None:
            raise BadPrompt(
                "the vocabulary names no BOS token", hint="give the whole prompt as token ids"
            )
        for text in texts:
            _check_text(text)
        cutter = self.parsing if special else self.plain
        cut = [cutter.cut(text) for text in texts]
        space = " " if self.model.prefixes_space else ""
        plain = [
            part if i and isinstance(fragments[i - 1], str) else space + part
            for fragments in cut
            for i, part in enumerate(fragments)
            if isinstance(part, str)
        ]
        encoded = iter(self.model.encode_plain(plain))
        begin = [self.bos_id] if bos and self.bos_id is not None else []
        return [
            begin
            + [
                token
                for part in fragments
                for token in ((part,) if isinstance(part, int) else next(encoded))
            ]
            for fragments in cut
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are no UTF-8 become U+FFFD.

        Special tokens are spelled out. Raises `BadPrompt` for an id outside the vocabulary.
        """
        return self.decode_bytes(ids).decode(errors="replace")

    def decode_bytes(self, ids: Sequence[int]) -> bytes:
        """Return the bytes of ids; the space that encoding put before text is taken off again."""
        pieces = self.model.pieces
        outside = [token for token in ids if not 0 <= token < len(pieces)]
        if outside:
            raise BadPrompt(
                f"{outside[0]} is outside the vocabulary of {len(pieces)}",
                hint="decode with the vocabulary that made the ids",
            )
        if not self.model.prefixes_space:
            return b"".join([pieces[token] for token in ids])
        return b"".join(map(self.piece, ids, (None, *ids)))

    def piece(self, token: int, previous: int | None) -> bytes:
        """Return the bytes of a token behind another one (None: it is the first)."""
        piece = self.model.pieces[token]
        begins = previous is None or previous in self.special_ids
        if begins and self.model.prefixes_space and token not in self.special_ids:
            return piece.removeprefix(b" ")
        return piece


def _check_text(text: str) -> None:
    """Raise `BadPrompt` for text that has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadPrompt(
            f"the prompt holds a half of a surrogate pair at character {error.start}",
            hint="give the prompt as UTF-8",
        ) from None
