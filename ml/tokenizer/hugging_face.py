"""Vocabularies of a Hugging Face checkpoint: `tokenizer.json` beside the weights.

Byte-level BPE alone, as in `ml.tokenizer.byte_bpe`: words are cut as the file says, merging is the
same. Two things are left out that the file may ask for, because a GGUF file of the same model knows
them neither: normalising (Qwen2's NFC changes text) and what is put around a text.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ml.errors import FileUnreadable, MalformedFile, UnknownPretokenizer
from ml.tokenizer.byte_bpe import ByteBpe, token_pieces
from ml.tokenizer.vocabulary import TokenType, Vocabulary, unfit

NAME: Final = "tokenizer.json"
_MOST_BYTES: Final = 256 << 20
_HINT: Final = "give token ids with --ids, or a GGUF file of the model"


def open_folder(folder: Path) -> tuple[ByteBpe, Vocabulary]:
    """Open the vocabulary of a checkpoint's folder.

    Raises `FileUnreadable`, `MalformedFile`, `UnknownPretokenizer` for another kind of vocabulary,
    `UnsupportedModel` for one that does not fit together.
    """
    import tokenizers
    from tokenizers import pre_tokenizers

    path = folder / NAME
    value = _read(path)
    vocabulary = _vocabulary(path, value)
    bare = {**value, "added_tokens": [], "normalizer": None, "post_processor": None}
    bare |= {"truncation": None, "padding": None, "decoder": None}
    try:
        backend = tokenizers.Tokenizer.from_str(json.dumps(bare))
        model = tokenizers.Tokenizer.from_str(json.dumps({**bare, "pre_tokenizer": None}))
    except Exception as error:  # the package raises plain Exception
        raise unfit(vocabulary, str(error)) from error
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return ByteBpe(token_pieces(vocabulary, raw=False), backend, model, None), vocabulary


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise MalformedFile("it is too long", path=path, offset=_MOST_BYTES, hint=_HINT)
        value = json.loads(path.read_bytes().decode())
    except OSError as error:
        raise FileUnreadable(f"cannot read {path}: {error.strerror}", hint=_HINT) from error
    except UnicodeDecodeError as error:
        raise MalformedFile("it is not UTF-8", path=path, offset=error.start, hint=_HINT) from None
    except json.JSONDecodeError as error:
        at = len(error.doc[: error.pos].encode())
        raise MalformedFile(f"no JSON: {error.msg}", path=path, offset=at, hint=_HINT) from None
    except (RecursionError, ValueError) as error:
        raise MalformedFile(f"no JSON: {error}", path=path, offset=0, hint=_HINT) from None
    if not isinstance(value, dict):
        raise MalformedFile("it is no JSON object", path=path, offset=0, hint=_HINT)
    return value


def _vocabulary(path: Path, value: Mapping[str, Any]) -> Vocabulary:
    """Return what the file says of its tokens, as a GGUF file would."""
    model = value.get("model")
    spelled = "ByteLevel" in json.dumps([value.get("pre_tokenizer"), value.get("decoder")])
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE" or not spelled:
        kind = model.get("type") if isinstance(model, dict) else None
        raise UnknownPretokenizer(
            f"{path.name} has a vocabulary of the kind {kind!r} that is not byte-level BPE",
            hint=_HINT,
        )
    ids = _ids(path, model.get("vocab"))
    types = dict.fromkeys(ids.values(), TokenType.NORMAL)
    for text, token, is_special in _added(path, value.get("added_tokens", [])):
        ids[text] = token
        types[token] = TokenType.CONTROL if is_special else TokenType.USER_DEFINED
    texts = {token: text for text, token in ids.items()}
    count = max(texts, default=-1) + 1
    return Vocabulary(
        source=path.name,
        kind="gpt2",
        pretokenizer=NAME,
        tokens=tuple(texts.get(token, f"[EMPTY_{token}]") for token in range(count)),
        types=tuple(types.get(token, TokenType.UNUSED) for token in range(count)),
        scores=(0.0,) * count,
        merges=(),
        ids={},
        flags={},
        strips_behind_special=False,
    )


def _ids(path: Path, vocab: object) -> dict[str, int]:
    """Return id by text; ids are dense enough that a list of them is no longer than the file."""
    if not isinstance(vocab, dict) or not all(_is_id(token) for token in vocab.values()):
        raise MalformedFile("model.vocab gives no ids", path=path, offset=0, hint=_HINT)
    return dict(vocab)


def _added(path: Path, added: object) -> list[tuple[str, int, bool]]:
    rows = (
        [row if isinstance(row, dict) else {} for row in added] if isinstance(added, list) else [{}]
    )
    found = []
    for row in rows:
        if not isinstance(row.get("content"), str) or not _is_id(row.get("id")):
            raise MalformedFile("added_tokens gives no ids", path=path, offset=0, hint=_HINT)
        found.append((row["content"], row["id"], bool(row.get("special"))))
    return found


def _is_id(token: object) -> bool:
    return type(token) is int and 0 <= token < 1 << 22
