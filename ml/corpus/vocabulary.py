"""The tokenizer of a corpus: byte-level BPE as a `tokenizer.json`, trained here or given.

Training is deterministic: it counts words, and equal counts are decided by the ids of the pairs. A
trained one cuts words as GPT-2 does, which GGUF files can name (`gpt-2`).

Most source is ASCII, and its words come again and again: those are cut by Python's own regular
expressions and looked up. Other text, and tokenizers that cut in another way, go through the
`tokenizers` package.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, groupby, islice, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from ml.corpus.base import MOST_TOKENS
from ml.errors import BadOption, FileUnreadable, MalformedFile
from ml.tokenizer.ascii_words import Words, ascii_words
from ml.tokenizer.byte_bpe import byte_characters
from ml.tokenizer.pretokenizers import find_pretokenizer

END_TOKEN: Final = "<|endoftext|>"  # noqa: S105 - the name of a token of text
#: Names under which the token behind a document goes, the likeliest first.
_END_TOKENS: Final = (END_TOKEN, "<|end_of_text|>", "</s>", "<eos>")
#: All bytes and the token behind a document.
LEAST_TOKENS: Final = 257
_MOST_BYTES: Final = 1 << 28
_REMEMBERED_WORDS: Final = 1 << 18
#: A word never goes on from what is printed to a line end, so a text may be cut there.
_LINE_END: Final = re.compile(r"(?<=[!-~])(?=\n)")
#: What `tokenizers` writes for a plain GPT-2 pre-tokenizer; its offsets do not concern us.
_PLAIN: Final = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}


@define
class CorpusTokenizer:
    """An opened `tokenizer.json`."""

    content: bytes = field(repr=False)
    """The file, byte for byte."""
    tokens: int
    """How many ids there are."""
    end_id: int
    """The token behind each document."""
    unknown_id: int | None
    """The token for what cannot be spelled, if the file has one."""
    _backend: Any = field(repr=False)
    _merger: Any = field(repr=False)
    _words: Words | None = field(repr=False)
    _spelled: NDArray[np.uint8] = field(repr=False)
    """The bytes of all ids, one behind the other."""
    _begins: NDArray[np.int64] = field(repr=False)
    _known: dict[str, bytes] = field(factory=dict, repr=False)
    """Ids of words that were met."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the file in hex."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of an id in a shard: u16 where all ids fit, else u32, little endian."""
        return np.dtype("<u2" if self.tokens <= 1 << 16 else "<u4")

    def encode(self, texts: Sequence[str]) -> list[NDArray[Any]]:
        """Return the ids of each text; the text of a special token is text like any other.

        Texts are best given some megabytes at a time: words that are new are merged together.
        """
        if self._words is None:
            return [np.frombuffer(ids, self.dtype) for ids in self._merge(self._backend, texts)]
        cut = [_cut(text, self._words) for text in texts]
        parts = list(chain.from_iterable(cut))
        self._learn(set(chain.from_iterable(part for part in parts if isinstance(part, list))))
        others = [part for part in parts if isinstance(part, str)]
        merged = iter(self._merge(self._backend, others))
        known = self._known.__getitem__
        encoded = (
            next(merged) if isinstance(part, str) else b"".join(map(known, part)) for part in parts
        )
        return [np.frombuffer(b"".join(islice(encoded, len(pieces))), self.dtype) for pieces in cut]

    def size_of(self, ids: NDArray[Any]) -> int:
        """Return how many bytes ids stand for; raise IndexError for one that is none."""
        return int((self._begins[ids.astype(np.int64) + 1] - self._begins[ids]).sum())

    def bytes_of(self, ids: NDArray[Any]) -> bytes:
        """Return the bytes that ids stand for; raise IndexError for one that is none."""
        begins, ends = self._begins[ids], self._begins[ids.astype(np.int64) + 1]
        lengths = ends - begins
        # For each byte: where its token begins in the table, and how far into the token it is.
        behind = np.cumsum(lengths)
        places = np.arange(int(behind[-1]) if len(ids) else 0)
        places += np.repeat(begins - (behind - lengths), lengths)
        return self._spelled[places].tobytes()

    def _learn(self, words: set[str]) -> None:
        """Look up the ids of words that were not met; where there are too many, forget others."""
        missing = [word for word in words if word not in self._known]
        if len(self._known) + len(missing) > _REMEMBERED_WORDS:
            self._known.clear()
            missing = list(words)
        self._known.update(zip(missing, self._merge(self._merger, missing), strict=True))

    def _merge(self, backend: Any, texts: Sequence[str]) -> list[bytes]:  # noqa: ANN401
        """Return the ids of each text, as the bytes of a shard."""
        found = backend.encode_batch_fast(texts, add_special_tokens=False) if texts else ()
        dtype = self.dtype
        ids = [one.ids for one in found]
        whole = np.fromiter(chain.from_iterable(ids), dtype).tobytes()
        ends = accumulate((len(one) * dtype.itemsize for one in ids), initial=0)
        return [whole[begin:end] for begin, end in pairwise(ends)]


def _cut(text: str, words: Words) -> list[list[str] | str]:
    """Return the words of each ASCII part of a text, and the lines with other characters whole."""
    if text.isascii():
        return [words(text)]
    groups = groupby(_LINE_END.split(text), str.isascii)
    joined = ((is_ascii, "".join(lines)) for is_ascii, lines in groups)
    return [words(part) if is_ascii else part for is_ascii, part in joined]


def train(texts: Iterable[str], tokens: int) -> CorpusTokenizer:
    """Train byte-level BPE of at most `tokens` ids; fewer where the texts have fewer pairs."""
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, trainers

    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=tokens,
        special_tokens=[END_TOKEN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer=trainer)
    return parse(backend.to_str().encode(), Path("tokenizer.json"))


def load(path: Path, end_token: str | None = None) -> CorpusTokenizer:
    """Open a `tokenizer.json`; raise `FileUnreadable` or what `parse` raises."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise FileUnreadable(
            f"cannot read {path}: {error.strerror}", hint="give the path of a tokenizer.json"
        ) from error
    if len(content) > _MOST_BYTES:
        raise MalformedFile(
            "too large for a tokenizer.json", path=path, offset=_MOST_BYTES, hint="give another"
        )
    return parse(content, path, end_token)


def parse(content: bytes, path: Path, end_token: str | None = None) -> CorpusTokenizer:
    """Open the bytes of a `tokenizer.json`.

    Raises `MalformedFile`, or `BadOption` for a tokenizer that is no byte-level BPE, or in which
    no token is known to end a document.
    """
    import tokenizers

    form = _form(content, path)
    backend = tokenizers.Tokenizer.from_str(content.decode())
    backend.encode_special_tokens = True
    backend.no_truncation()
    backend.no_padding()
    ids = backend.get_vocab(with_added_tokens=True)
    spelled, begins = _spelling(form, ids)
    words, merger = _plain_words(form)
    unknown = form["model"].get("unk_token")
    return CorpusTokenizer(
        content=content,
        tokens=len(begins) - 1,
        end_id=_end_id(ids, end_token, path),
        unknown_id=ids.get(unknown) if isinstance(unknown, str) else None,
        backend=backend,
        merger=merger,
        words=words,
        spelled=spelled,
        begins=begins,
    )


def _form(content: bytes, path: Path) -> dict[str, Any]:
    """Return the JSON, once the package has taken it."""
    import tokenizers

    try:
        form: dict[str, Any] = json.loads(content)
        tokenizers.Tokenizer.from_str(content.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedFile(
            f"no JSON: {error}", path=path, offset=getattr(error, "pos", 0), hint="give another"
        ) from error
    except Exception as error:  # the package raises plain Exception
        raise MalformedFile(
            f"no tokenizer: {error}", path=path, offset=0, hint="give a tokenizer.json"
        ) from error
    is_bpe = form["model"].get("type") == "BPE"
    if not is_bpe or "ByteLevel" not in json.dumps(form.get("pre_tokenizer")):
        raise BadOption(
            f"{path.name} is no byte-level BPE", hint="a corpus is made with byte-level BPE alone"
        )
    return form


def _spelling(
    form: dict[str, Any], ids: dict[str, int]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of all ids in a row, and where each begins; unused ids have none."""
    literal = {token["content"] for token in form.get("added_tokens") or ()}
    known = byte_characters()
    if max(ids.values(), default=0) >= MOST_TOKENS:
        raise BadOption(
            f"an id of {max(ids.values())}", hint=f"a corpus has ids below {MOST_TOKENS}"
        )
    pieces = [b""] * (max(ids.values(), default=-1) + 1)
    for token, number in ids.items():
        is_spelled = token not in literal and all(sign in known for sign in token)
        pieces[number] = bytes(known[sign] for sign in token) if is_spelled else token.encode()
    begins = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    return np.frombuffer(b"".join(pieces), np.uint8), begins


def _plain_words(form: dict[str, Any]) -> tuple[Words | None, Any]:
    """Return what cuts ASCII as the tokenizer does and what merges a word; None if it differs."""
    import tokenizers
    from tokenizers import pre_tokenizers

    cutting = dict(form.get("pre_tokenizer") or {})
    cutting.pop("trim_offsets", None)
    added = form.get("added_tokens") or ()
    is_plain = cutting == _PLAIN and not form.get("normalizer") and not form["model"].get("dropout")
    if not is_plain or not all(token.get("special") for token in added):
        return None, None
    merger = tokenizers.Tokenizer.from_str(json.dumps({**form, "added_tokens": []}))
    merger.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return ascii_words(find_pretokenizer("gpt-2")), merger


def _end_id(ids: dict[str, int], end_token: str | None, path: Path) -> int:
    names = _END_TOKENS if end_token is None else (end_token,)
    for name in names:
        if name in ids:
            return ids[name]
    raise BadOption(
        f"{path.name} has no token {' or '.join(names)}",
        hint="name the token that ends a document with --end-token",
    )
