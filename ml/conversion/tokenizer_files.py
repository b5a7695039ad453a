"""GGUF's vocabulary as the files of a Hugging Face folder: what `ml.conversion.vocabulary` reads.

Byte-level BPE whose cutting of text is a row of `ml.tokenizer.pretokenizers`; any other vocabulary
goes along in the carried pairs alone, and other programs do not see it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ml.containers import Container
from ml.conversion.vocabulary import FILE, SETTINGS, SPECIAL
from ml.errors import UnknownPretokenizer
from ml.tokenizer.pretokenizer_patterns import GPT2
from ml.tokenizer.pretokenizers import Pretokenizer, find_pretokenizer

_CONTROL, _USER_DEFINED, _UNUSED = 3, 4, 5
_KEY: Final = "tokenizer.ggml."


def tokenizer_files(container: Container) -> dict[str, str]:
    """Return text by name of file; empty where the vocabulary has no such form."""
    metadata = container.metadata
    tokens, merges = metadata.get(f"{_KEY}tokens"), metadata.get(f"{_KEY}merges")
    types = metadata.get(f"{_KEY}token_type")
    if (
        metadata.get(f"{_KEY}model") != "gpt2"
        or not isinstance(tokens, tuple)
        or not isinstance(merges, tuple)
        or not isinstance(types, np.ndarray)
        or len(types) != len(tokens)
    ):
        return {}
    try:
        row = find_pretokenizer(metadata.get(f"{_KEY}pre"))
    except UnknownPretokenizer:
        return {}
    if row.raw:
        return {}
    whole = _whole(tokens, merges, types.tolist(), row)
    return {
        FILE: json.dumps(whole, ensure_ascii=False, indent=1) + "\n",
        SETTINGS: json.dumps(_settings(metadata, tokens), ensure_ascii=False, indent=2) + "\n",
    }


def _whole(
    tokens: tuple[str, ...], merges: tuple[str, ...], kinds: list[int], row: Pretokenizer
) -> dict[str, Any]:
    """What tokenizer.json says."""
    numbered = list(zip(range(len(tokens)), tokens, kinds, strict=True))
    apart = (_CONTROL, _USER_DEFINED)
    whole = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    return {
        "version": "1.0",
        "added_tokens": [_added(*one) for one in numbered if one[2] in apart],
        "normalizer": None,
        "pre_tokenizer": _pre_tokenizer(row.patterns),
        "post_processor": None,
        "decoder": {**whole, "trim_offsets": False},
        "model": {
            "type": "BPE",
            "ignore_merges": row.merges_ignored,
            "vocab": {text: n for n, text, kind in numbered if kind not in (*apart, _UNUSED)},
            "merges": [_pair(merge) for merge in merges],
        },
    }


def _added(number: int, text: str, kind: int) -> dict[str, Any]:
    return {
        "id": number,
        "content": text,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": kind == _CONTROL,
    }


def _pre_tokenizer(patterns: tuple[str, ...]) -> dict[str, Any]:
    """Split by each pattern, then spell bytes."""
    if patterns == (GPT2,):
        return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    splits: list[dict[str, Any]] = [
        {"type": "Split", "pattern": {"Regex": one}, "behavior": "Isolated", "invert": False}
        for one in patterns
    ]
    last = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    return {"type": "Sequence", "pretokenizers": [*splits, {**last, "trim_offsets": False}]}


def _pair(merge: str) -> list[str]:
    """Both sides; the first can begin with the space that stands between the two."""
    at = merge.find(" ", 1)
    return [merge[:at], merge[at + 1 :]]


def _settings(metadata: Mapping[str, object], tokens: tuple[str, ...]) -> dict[str, Any]:
    settings: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast"}
    for theirs, ours in SPECIAL:
        number = metadata.get(f"{_KEY}{ours}")
        if isinstance(number, int) and 0 <= number < len(tokens):
            settings[theirs] = tokens[number]
    for theirs, key in (
        ("add_bos_token", f"{_KEY}add_bos_token"),
        ("chat_template", "tokenizer.chat_template"),
    ):
        value = metadata.get(key)
        if isinstance(value, bool | str):
            settings[theirs] = value
    return settings
