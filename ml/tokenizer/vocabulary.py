"""The vocabulary of a model file, read and checked: tokens, their types, scores, merges.

Keys are those of GGUF's `tokenizer.ggml.…`. What a file may leave out has llama.cpp's default.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

import numpy as np
from attrs import field, frozen

from ml.containers import Container
from ml.containers.base import legible
from ml.errors import UnsupportedModel


class TokenType(IntEnum):
    """What a token is, by GGUF's numbers."""

    UNDEFINED = 0
    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


#: Texts of tokens that end a turn or a text, whatever else a file says; as llama.cpp has them.
END_TEXTS: Final = frozenset(
    (
        *("<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>"),
        *("<|endoftext|>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>"),
        *("<end_of_utterance>", "<eos>", "<turn|>", "<\uff5cend\u2581of\u2581sentence\uff5c>"),
    )
)
_IDS: Final = ("bos", "eos", "eot", "eom", "unknown", "padding", "seperator", "cls", "mask")


@frozen(kw_only=True)
class Vocabulary:
    """What a file says of its tokens."""

    source: str
    """Name of the file, for messages."""
    kind: object
    """`tokenizer.ggml.model`."""
    pretokenizer: object
    """`tokenizer.ggml.pre`, or None."""
    tokens: tuple[str, ...] = field(repr=False)
    """Spelling of each id."""
    types: tuple[TokenType, ...] = field(repr=False)
    scores: tuple[float, ...] = field(repr=False)
    """Zeros where the file has none."""
    merges: tuple[str, ...] | None = field(repr=False)
    """Pairs with a space between; None where the file has no such list."""
    ids: Mapping[str, int] = field(repr=False)
    """Ids of special tokens by their short names, such as `bos`; only those that are there."""
    flags: Mapping[str, bool]
    """What `tokenizer.ggml.add_…` says, by what comes behind `add_`."""
    strips_behind_special: bool
    """Spaces behind special tokens are dropped where these are parsed: Phi-3's way."""

    @property
    def end_ids(self) -> frozenset[int]:
        """Ids that end a generation."""
        named = {self.ids[name] for name in ("eos", "eot", "eom") if name in self.ids}
        known = {i for i, text in enumerate(self.tokens) if text in END_TEXTS}
        if {"<|return|>", "<|call|>"} <= {self.tokens[i] for i in known}:  # Harmony: a part's end
            known = {i for i in known if self.tokens[i] != "<|end|>"}
        return frozenset(named | known)

    def of_type(self, *types: TokenType) -> list[int]:
        """Return the ids of tokens of these types, ascending."""
        return [token for token, its in enumerate(self.types) if its in types]


def read_vocabulary(container: Container) -> Vocabulary:
    """Read the vocabulary of a model file; raise `UnsupportedModel` where it does not fit."""
    metadata = container.metadata
    source = container.path.name
    tokens = _texts(container, "tokenizer.ggml.tokens")
    name = metadata.get("general.name")
    return Vocabulary(
        source=source,
        kind=metadata.get("tokenizer.ggml.model"),
        pretokenizer=metadata.get("tokenizer.ggml.pre"),
        tokens=tuple(text or f"[EMPTY_{i}]" for i, text in enumerate(tokens)),
        types=_types(container, len(tokens)),
        scores=_scores(container, len(tokens)),
        merges=_texts(container, "tokenizer.ggml.merges")
        if "tokenizer.ggml.merges" in metadata
        else None,
        ids=_special_ids(metadata, len(tokens)),
        flags=_flags(metadata),
        strips_behind_special=isinstance(name, str) and _is_phi3(name),
    )


def _is_phi3(name: str) -> bool:
    return any(part in name.lower() for part in ("phi-3", "phi3"))


def _texts(container: Container, key: str) -> tuple[str, ...]:
    value = container.metadata.get(key)
    if not isinstance(value, tuple) or not all(isinstance(text, str) for text in value):
        raise UnsupportedModel(
            f"{container.path.name} has no list of texts {key}",
            hint="the file has no vocabulary: give token ids with --ids",
        )
    return value


def _numbers(container: Container, key: str, count: int) -> list[float] | None:
    value = container.metadata.get(key)
    if value is None:
        return None
    if not isinstance(value, np.ndarray) or value.ndim != 1 or len(value) < count:
        raise UnsupportedModel(
            f"{container.path.name}: {key} is no list of {count} numbers, one a token",
            hint="convert the model again, or give token ids with --ids",
        )
    numbers: list[float] = value[:count].tolist()
    return numbers


def _types(container: Container, count: int) -> tuple[TokenType, ...]:
    numbers = _numbers(container, "tokenizer.ggml.token_type", count)
    if numbers is None:
        return (TokenType.NORMAL,) * count
    known = {number.value: number for number in TokenType}
    return tuple(known.get(int(number), TokenType.UNDEFINED) for number in numbers)


def _scores(container: Container, count: int) -> tuple[float, ...]:
    numbers = _numbers(container, "tokenizer.ggml.scores", count)
    if numbers is None:
        return (0.0,) * count
    if not np.isfinite(numbers).all():
        at = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise UnsupportedModel(
            f"{container.path.name}: the score of token {at} is {numbers[at]}",
            hint="convert the model again, or give token ids with --ids",
        )
    return tuple(numbers)


def _special_ids(metadata: Mapping[str, object], count: int) -> dict[str, int]:
    found = {name: metadata.get(f"tokenizer.ggml.{name}_token_id") for name in _IDS}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count
    }


def _flags(metadata: Mapping[str, object]) -> dict[str, bool]:
    names = ("bos_token", "eos_token", "space_prefix")
    found = {name: metadata.get(f"tokenizer.ggml.add_{name}") for name in names}
    return {name: value for name, value in found.items() if isinstance(value, bool)}


def unfit(vocabulary: Vocabulary, problem: str) -> UnsupportedModel:
    """Return the error for a vocabulary whose parts contradict each other."""
    return UnsupportedModel(
        f"the vocabulary of {vocabulary.source} does not fit together: {legible(problem)}",
        hint="convert the model again, or give token ids with --ids",
    )
