"""Whether two models mean the same by a token id: the digest of a vocabulary."""

import hashlib
import json
from typing import Final

import numpy as np

from ml.architectures import Model
from ml.containers import Container
from ml.errors import BadOption

#: What text and ids have to do with one another, in GGUF's metadata.
_KEYS: Final = (
    "tokenizer.ggml.model",
    "tokenizer.ggml.pre",
    "tokenizer.ggml.tokens",
    "tokenizer.ggml.merges",
    "tokenizer.ggml.scores",
    "tokenizer.ggml.token_type",
)


def tokenizer_digest(container: Container) -> str | None:
    """Return the SHA-256 of what turns text into ids, in hex; None where the file has no tokens.

    It is taken over JSON of the keys that the file has, in the order above, so that two files with
    one vocabulary have one digest whatever else they say.
    """
    if "tokenizer.ggml.tokens" not in container.metadata:
        return None
    found = {key: _plain(container.metadata[key]) for key in _KEYS if key in container.metadata}
    text = json.dumps(found, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_one_vocabulary(a: Model, b: Model) -> None:
    """Check that an id means the same in two models; raise `BadOption` with what differs.

    Where only one of them carries its tokens, the sizes of the vocabularies are all there is to
    hold against one another.
    """
    if a.config.vocabulary != b.config.vocabulary:
        raise BadOption(
            f"incomparable: vocabularies of {a.config.vocabulary} and {b.config.vocabulary} ids",
            hint="compare models with one tokenizer; across tokenizers, compare bits per byte "
            "(ledger run perplexity)",
        )
    digests = tokenizer_digest(a.container), tokenizer_digest(b.container)
    if None not in digests and digests[0] != digests[1]:
        raise BadOption(
            f"incomparable: tokenizers sha256 {digests[0]} and {digests[1]}",
            hint="the same id is another text in the other model: compare bits per byte instead "
            "(ledger run perplexity)",
        )


def _plain(value: object) -> object:
    """A value of the metadata as JSON has it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
