"""Vocabularies between tokenizer.json and GGUF's lists."""

import json
import shutil

import numpy as np
import pytest
import tokenizers
from checkpoints import write_checkpoint

from ml.containers import open_container
from ml.conversion import convert, open_source
from ml.errors import MalformedFile
from ml.tokenizer import Tokenizer


def to(source, target):
    """Convert a path."""
    return convert(open_source(source), target)


QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def write_tokenizer(gguf_model, folder, **changes):
    """The tokenizer.json and tokenizer_config.json of a GGUF model, as transformers writes them."""
    tokens = gguf_model.metadata["tokenizer.ggml.tokens"]
    types = gguf_model.metadata["tokenizer.ggml.token_type"].tolist()
    split = {"type": "Split", "pattern": {"Regex": QWEN2}, "behavior": "Isolated", "invert": False}
    whole = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    added = [
        {"id": number, "content": text, "special": kind == 3}
        for number, (text, kind) in enumerate(zip(tokens, types, strict=True))
        if kind in (3, 4)
    ]
    listed = {one["id"] for one in added}
    written = {
        "version": "1.0",
        "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, whole]},
        "model": {
            "type": "BPE",
            "vocab": {
                text: n for n, text in enumerate(tokens) if n not in listed and types[n] != 5
            },
            "merges": [merge.split(" ") for merge in gguf_model.metadata["tokenizer.ggml.merges"]],
        },
    } | changes
    (folder / "tokenizer.json").write_text(json.dumps(written, ensure_ascii=False))
    special = {
        key: tokens[gguf_model.metadata[f"tokenizer.ggml.{name}_token_id"]]
        for key, name in (("eos_token", "eos"), ("pad_token", "padding"), ("bos_token", "bos"))
    }
    settings = special | {"bos_token": {"content": special["bos_token"]}, "add_bos_token": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def test_vocabulary_of_a_checkpoint(tiny4, tmp_path):
    """tokenizer.json becomes GGUF's lists: those of the model that it was made from."""
    model = open_container(tiny4)
    folder = write_checkpoint(tiny4, tmp_path / "theirs")
    write_tokenizer(model, folder)
    to(folder, tmp_path / "made.gguf")
    made = open_container(tmp_path / "made.gguf").metadata
    keys = [key for key in model.metadata if key.startswith("tokenizer.")]
    assert {key for key in made if key.startswith("tokenizer.")} == set(keys)
    for key in keys:
        assert np.array_equal(made[key], model.metadata[key]), key
    text = "hello the 12 é\n"
    ours, theirs = (Tokenizer.from_gguf(p).encode(text) for p in (tmp_path / "made.gguf", tiny4))
    assert list(ours) == list(theirs)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"type": "Unigram"}}, "of the kind Unigram"),
        ({"normalizer": {"type": "Lowercase"}}, "changes the text"),
        ({"pre_tokenizer": {"type": "Metaspace"}}, "'Metaspace'"),
        ({"pre_tokenizer": None}, "does not say how"),
        ({"pre_tokenizer": {"type": "Digits", "individual_digits": True}}, "no pre-tokenizer"),
        ({"added_tokens": [{"id": 900, "content": "x"}]}, "token id 900"),
    ],
)
def test_vocabularies_that_are_not_carried(changes, said, tiny4, tmp_path):
    """What is not known is not guessed: the model goes without, and says why."""
    folder = write_checkpoint(tiny4, tmp_path / "theirs")
    write_tokenizer(open_container(tiny4), folder, **changes)
    source = open_source(folder)
    assert said in source.notes[0]
    convert(source, tmp_path / "made.gguf")
    assert "tokenizer.ggml.tokens" not in open_container(tmp_path / "made.gguf").metadata


@pytest.mark.parametrize(
    "content", [b"[", b'{"model":{"vocab":{"a":-1}}}', b'{"added_tokens":[7]}']
)
def test_damaged_vocabulary(content, tiny4, tmp_path):
    """A tokenizer.json that is none is refused with the byte."""
    folder = write_checkpoint(tiny4, tmp_path / "theirs")
    (folder / "tokenizer.json").write_bytes(content)
    with pytest.raises(MalformedFile, match="at byte"):
        open_source(folder)


def test_vocabulary_for_others(tiny4, tmp_path):
    """The tokenizers package reads the folder's tokenizer.json and cuts text as we do.

    Without the pairs that the tensors' file carries, it becomes the same lists again.
    """
    to(tiny4, tmp_path / "made")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "made" / "tokenizer.json"))
    ours = Tokenizer.from_gguf(tiny4)
    for text in ("hello the", "  two\n\nlines 12 é 中", "don't"):
        assert theirs.encode(text).ids == list(ours.encode(text))
    settings = json.loads((tmp_path / "made" / "tokenizer_config.json").read_text())
    model = open_container(tiny4)
    tokens = model.metadata["tokenizer.ggml.tokens"]
    assert settings["eos_token"] == tokens[model.metadata["tokenizer.ggml.eos_token_id"]]
    written = write_checkpoint(tiny4, tmp_path / "again")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tmp_path / "made" / name, written / name)
    to(written, tmp_path / "back.gguf")
    made = open_container(tmp_path / "back.gguf").metadata
    for key in (key for key in model.metadata if key.startswith("tokenizer.")):
        assert np.array_equal(made[key], model.metadata[key]), key
