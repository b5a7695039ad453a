"""The vocabulary of a Hugging Face checkpoint as GGUF has it: tokenizer.json, byte-level BPE.

tokenizer.json is walked in place (`ml.containers.json_text`): a hostile one costs no more memory
than what it lists. How text is cut into words must be a row of `ml.tokenizer.pretokenizers`, by its
very patterns. What is not known is not guessed: the model then goes without a vocabulary, and the
reason is told.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from ml.containers.base import is_there, map_file
from ml.containers.gguf_pairs import Pair, typed
from ml.containers.hf_config import read_config
from ml.containers.json_text import JsonCursor
from ml.tokenizer.pretokenizer_patterns import GPT2
from ml.tokenizer.pretokenizers import PRETOKENIZERS

FILE: Final = "tokenizer.json"
SETTINGS: Final = "tokenizer_config.json"
_TEMPLATE: Final = "chat_template.jinja"
_HINT: Final = "fetch tokenizer.json again, or take it away to convert without a vocabulary"
_LONGEST: Final = 65_535
_MOST: Final = 1 << 20
#: Bytes of a value that is read as a whole: how words are cut, and the like.
_LARGEST_PART: Final = 1 << 16
_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5
#: Names that llama.cpp's converter gives, where a row has several.
_PREFERRED: Final = ("llama-bpe",)
#: In tokenizer_config.json -> in GGUF, after `tokenizer.ggml.`.
SPECIAL: Final = (
    ("eos_token", "eos_token_id"),
    ("pad_token", "padding_token_id"),
    ("bos_token", "bos_token_id"),
    ("unk_token", "unknown_token_id"),
)


class NotCarried(Exception):
    """A vocabulary that GGUF's form, or this program, has no place for; the text says why."""


@define
class _Read:
    """What a tokenizer.json lists."""

    ids: dict[str, int] = field(factory=dict)
    merges: list[str] = field(factory=list)
    added: dict[int, tuple[str, bool]] = field(factory=dict)
    """id -> (text, whether it is a special token)."""
    parts: dict[str, Any] = field(factory=dict)
    """Small values by name: the kind of model, how text is cut."""


def vocabulary_pairs(folder: Path, count: int) -> list[Pair]:
    """Return GGUF's pairs for `count` rows of the embedding; empty where there is no file.

    Raises `NotCarried`, or `MalformedFile` with the offset.
    """
    path = folder / FILE
    if not is_there(path):
        return []
    read = _read(path)
    pre = _pretokenizer(read)
    tokens, types = _tokens(read, count)
    settings = read_config(folder / SETTINGS) if is_there(folder / SETTINGS) else {}
    pairs = [
        typed("tokenizer.ggml.model", "string", "gpt2"),
        typed("tokenizer.ggml.pre", "string", pre),
        typed("tokenizer.ggml.tokens", "string", tokens),
        typed("tokenizer.ggml.token_type", "i32", types),
        typed("tokenizer.ggml.merges", "string", read.merges),
    ]
    known = {text: number for number, (text, _) in read.added.items()} | read.ids
    for theirs, ours in SPECIAL:
        text = settings.get(theirs)
        text = text.get("content") if isinstance(text, dict) else text
        if isinstance(text, str) and text in known:
            pairs.append(typed(f"tokenizer.ggml.{ours}", "u32", known[text]))
    if isinstance(settings.get("add_bos_token"), bool):
        pairs.append(typed("tokenizer.ggml.add_bos_token", "bool", settings["add_bos_token"]))
    template = _template(folder, settings)
    return (
        pairs
        if template is None
        else [*pairs, typed("tokenizer.chat_template", "string", template)]
    )


def _template(folder: Path, settings: dict[str, Any]) -> str | None:
    if is_there(folder / _TEMPLATE):
        return map_file(folder / _TEMPLATE)[:].decode("utf-8", "replace")
    template = settings.get("chat_template")
    return template if isinstance(template, str) else None


def _read(path: Path) -> _Read:
    data = map_file(path)
    cursor = JsonCursor(path, memoryview(data), 0, len(data), _HINT)
    read = _Read()
    for _, key in cursor.members(FILE, _LONGEST):
        if key == "model":
            _read_model(cursor, read)
        elif key == "added_tokens":
            _read_added(cursor, read)
        elif key in ("pre_tokenizer", "normalizer"):
            read.parts[key] = _part(cursor, key)
        else:
            cursor.skip(key[:80], _LONGEST)
    return read


def _read_model(cursor: JsonCursor, read: _Read) -> None:
    for at, key in cursor.members("model", _LONGEST):
        if key == "vocab" and cursor.peek() == b"{":
            for _, token in cursor.members("vocab", _LONGEST, _MOST):
                read.ids[token] = cursor.count(f"the id of {token[:80]!r}")
        elif key == "merges" and cursor.peek() == b"[":
            for merge in _merges(cursor):
                if len(read.merges) == _MOST:
                    raise cursor.fail(f"more than {_MOST} merges", at)
                read.merges.append(merge)
        elif key in ("type", "ignore_merges", "byte_fallback"):
            read.parts[key] = _part(cursor, key)
        else:
            cursor.skip(key[:80], _LONGEST)


def _merges(cursor: JsonCursor) -> Iterator[str]:
    """Yield merges as `a b`: a text, or an array of two."""
    for _ in cursor.items("merges"):
        if cursor.peek() == b'"':
            yield cursor.text("a merge", _LONGEST)
            continue
        pair = [cursor.text("a merge", _LONGEST) for _ in cursor.items("a merge")]
        if len(pair) != 2 or any(" " in one for one in pair):
            raise cursor.fail("a merge that is no pair of tokens")
        yield " ".join(pair)


def _read_added(cursor: JsonCursor, read: _Read) -> None:
    for _ in cursor.items("added_tokens"):
        at = cursor.offset
        token = _part(cursor, "an added token")
        number, text = (
            (token.get("id"), token.get("content")) if isinstance(token, dict) else (0, 0)
        )
        if not isinstance(number, int) or not isinstance(text, str) or len(read.added) == _MOST:
            raise cursor.fail("an added token without id or content", at)
        read.added[number] = text, token.get("special") is True


def _part(cursor: JsonCursor, what: str) -> Any:  # noqa: ANN401 - JSON of any form
    """Read one small value as a whole."""
    cursor.peek()
    start = cursor.offset
    cursor.skip(what, _LONGEST)
    if cursor.offset - start > _LARGEST_PART:
        raise cursor.fail(f"{what} has {cursor.offset - start} bytes, over the limit", start)
    try:
        return json.loads(bytes(cursor.data[start : cursor.offset]))
    except ValueError as error:
        raise cursor.fail(f"{what}: {error}", start) from None


def _pretokenizer(read: _Read) -> str:
    """Return llama.cpp's name of how text is cut."""
    kind, normalizer = read.parts.get("type"), read.parts.get("normalizer")
    if kind != "BPE" or read.parts.get("byte_fallback") is True:
        raise NotCarried(f"{FILE} is of the kind {kind}, and only byte-level BPE is carried over")
    # Qwen's NFC: llama.cpp has none, and its vocabulary files for Qwen go without.
    if normalizer is not None and normalizer != {"type": "NFC"}:
        raise NotCarried(f"{FILE} changes the text before it cuts it")
    patterns = tuple(_patterns(read.parts.get("pre_tokenizer")))
    ignored = read.parts.get("ignore_merges") is True
    for row in PRETOKENIZERS:
        if row.patterns == patterns and row.merges_ignored == ignored and not row.raw:
            return next((name for name in _PREFERRED if name in row.names), row.names[0])
    raise NotCarried(f"how {FILE} cuts text is no pre-tokenizer that is known here")


def _patterns(cut: object) -> Iterator[str]:
    """Yield the patterns of a pre-tokenizer, one after the other."""
    if not isinstance(cut, dict):
        raise NotCarried(f"{FILE} does not say how text is cut")
    kind = cut.get("type")
    if kind == "Sequence" and isinstance(cut.get("pretokenizers"), list):
        for one in cut["pretokenizers"]:
            yield from _patterns(one)
    elif kind == "Split" and cut.get("behavior") == "Isolated" and not cut.get("invert"):
        pattern = cut.get("pattern")
        yield str(pattern.get("Regex") if isinstance(pattern, dict) else pattern)
    elif kind == "Digits" and cut.get("individual_digits") is True:
        yield r"\p{N}"
    elif kind == "ByteLevel" and cut.get("add_prefix_space") is not True:
        if cut.get("use_regex", True):
            yield GPT2
    else:
        raise NotCarried(f"{FILE} cuts text by {kind!r}, which is not known here")


def _tokens(read: _Read, count: int) -> tuple[list[str], list[int]]:
    """Spelling and type of each row of the embedding; rows without a token are padding."""
    tokens = [f"[PAD{number}]" for number in range(count)]
    types = [_UNUSED] * count
    spelt = {number: (text, _NORMAL) for text, number in read.ids.items()}
    for number, (text, is_special) in read.added.items():
        spelt[number] = text, _CONTROL if is_special else _USER_DEFINED
    if spelt and not 0 <= min(spelt) <= max(spelt) < count:
        raise NotCarried(f"{FILE} has the token id {max(spelt)}, and the embedding {count} rows")
    for number, (text, kind) in spelt.items():
        tokens[number], types[number] = text, kind
    return tokens, types
