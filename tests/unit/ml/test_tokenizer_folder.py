"""`tokenizer.json` of a checkpoint: against the package that wrote it, and files that are none."""

import json

import pytest
from documents import ROOT
from tokenizers import AddedToken, Regex, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Package

from ml.errors import MalformedFile, MlError, UnknownPretokenizer, UnsupportedModel
from ml.tokenizer import Tokenizer
from ml.tokenizer.pretokenizers import find_pretokenizer

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


@pytest.fixture
def written(tmp_path):
    """A vocabulary trained on one page, as Qwen2's file has it."""
    package = Package(models.BPE())
    cut = pre_tokenizers.Split(Regex(find_pretokenizer("qwen2").patterns[0]), "isolated")
    spell = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    package.pre_tokenizer = pre_tokenizers.Sequence([cut, spell])
    package.normalizer = normalizers.NFC()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    package.train_from_iterator([PAGE], trainer)
    package.add_special_tokens([AddedToken("<|im_end|>", special=True)])
    package.add_tokens([AddedToken("<tool>", special=False)])
    package.save(str(tmp_path / "tokenizer.json"))
    return tmp_path, package


def test_ids_are_those_of_the_package(written):
    """Words, characters beyond ASCII, user-defined tokens; special ones when asked."""
    folder, package = written
    tokenizer = Tokenizer.from_gguf(folder)
    for text in (PAGE, "hello the\n\n  x", "naïve 東京 🙂", "a<tool>b", ""):
        assert tokenizer.encode(text) == package.encode(text, add_special_tokens=False).ids
        assert tokenizer.decode(tokenizer.encode(text)) == text
    parsed = tokenizer.encode("a<|im_end|>", special=True)
    assert parsed == package.encode("a<|im_end|>").ids
    assert parsed[-1] not in tokenizer.encode("a<|im_end|>")
    assert tokenizer.end_ids == {parsed[-1]}


def test_nothing_is_normalised(written):
    """A letter with its accent apart stays so."""
    tokenizer = Tokenizer.from_gguf(written[0])
    assert tokenizer.decode(tokenizer.encode("e\u0301")) == "e\u0301"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"model": {"type": "WordPiece", "vocab": {}}}, UnknownPretokenizer),
        ({"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}, MalformedFile),
        ({"model": {"type": "BPE", "vocab": {"a": 1 << 40}, "merges": []}}, MalformedFile),
        ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["x", "y"]]}}, UnsupportedModel),
        ({"model": 3}, UnknownPretokenizer),
        ({"added_tokens": [{"content": 3, "id": 1}]}, MalformedFile),
        ({"added_tokens": 4}, MalformedFile),
        ({"pre_tokenizer": {"type": "ByteLevel"}}, UnsupportedModel),
    ],
)
def test_files_that_are_none(written, change, error):
    """Each is refused by name."""
    path = written[0] / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(error):
        Tokenizer.from_gguf(written[0])


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b"[" * 100000, b"1" * 5000])
def test_files_that_are_no_json(tmp_path, content):
    """With the byte where that shows."""
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(MalformedFile):
        Tokenizer.from_gguf(tmp_path)


def test_a_folder_without_one(tmp_path):
    """Says what is missing."""
    with pytest.raises(MlError):
        Tokenizer.from_gguf(tmp_path)
