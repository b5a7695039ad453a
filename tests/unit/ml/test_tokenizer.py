"""Byte-level BPE: llama.cpp's vectors, tiny4, and vocabularies that are not known."""

import pytest

from ml.errors import BadPrompt, UnknownPretokenizer, UnsupportedModel
from ml.tokenizer import Tokenizer
from ml.tokenizer.byte_bpe import byte_characters


def test_tiny4(tiny4):
    """The prompt that llama.cpp was given for the reference nodes."""
    tokenizer = Tokenizer.from_gguf(tiny4)
    assert tokenizer.encode("hello the") == [319, 75, 75, 78, 220, 272, 68]
    assert tokenizer.decode([319, 75, 75, 78, 220, 272, 68]) == "hello the"
    assert tokenizer.encode("") == []


@pytest.mark.parametrize("text", ["<|endoftext|>", "naïve 東京 🙂\r\n\t  x", "\x00\x7f\ufffd"])
def test_text_comes_back(tiny4, text):
    """Special tokens are plain text, and every byte can be spelled."""
    tokenizer = Tokenizer.from_gguf(tiny4)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert not set(ids) & {509, 510, 511}


def test_llama_cpp_vectors(vocabularies):
    """All 47 vectors of each vocabulary that is there."""
    paths = [
        one for one in sorted(vocabularies.glob("*.gguf")) if one.with_suffix(".gguf.out").exists()
    ]
    assert {"ggml-vocab-gpt-2.gguf", "ggml-vocab-qwen2.gguf"} <= {path.name for path in paths}
    for path in paths:
        check_vectors(path)


def check_vectors(path):
    """One vocabulary, and back."""
    tokenizer = Tokenizer.from_gguf(path)
    texts = path.with_suffix(".gguf.inp").read_bytes().decode()
    inputs = texts.split("\n__ggml_vocab_test__\n")
    outputs = path.with_suffix(".gguf.out").read_text().split("\n")
    assert len(inputs) == 47
    for text, ids in zip(inputs, outputs, strict=True):
        expected = [int(token) for token in ids.split()]
        assert tokenizer.encode(text) == expected, text
        assert tokenizer.decode(expected) == text


def test_all_bytes_have_a_character():
    """One to one."""
    assert sorted(byte_characters().values()) == list(range(256))
    assert byte_characters()["Ġ"] == 0x20


def test_bad_text_and_bad_ids(tiny4):
    """A lone surrogate, and an id past the vocabulary."""
    tokenizer = Tokenizer.from_gguf(tiny4)
    with pytest.raises(BadPrompt, match="surrogate"):
        tokenizer.encode("a\ud800")
    with pytest.raises(BadPrompt, match="512 is outside"):
        tokenizer.decode([1, 512])


def vocabulary(maker, *, kind="gpt2", pre="qwen2", tokens=("a", "b", "ab"), merges=("a b",)):
    """A file with nothing but a vocabulary."""
    pairs = [
        maker.pair("tokenizer.ggml.model", 8, maker.text(kind)),
        maker.pair("tokenizer.ggml.pre", 8, maker.text(pre)),
        maker.strings("tokenizer.ggml.tokens", tokens),
        maker.strings("tokenizer.ggml.merges", merges),
    ]
    return maker.write(pairs)


def test_unknown_kinds_are_named(gguf_maker):
    """Kind and pre-tokenizer."""
    with pytest.raises(UnknownPretokenizer, match="'bert'"):
        Tokenizer.from_gguf(vocabulary(gguf_maker, kind="bert"))
    with pytest.raises(UnknownPretokenizer, match="'deepseek-poet'") as caught:
        Tokenizer.from_gguf(vocabulary(gguf_maker, pre="deepseek-poet"))
    assert "gpt-2" in caught.value.hint


def test_a_vocabulary_that_cannot_spell(gguf_maker):
    """A dropped character is an error, not a shorter prompt."""
    tokenizer = Tokenizer.from_gguf(vocabulary(gguf_maker))
    assert tokenizer.encode("abba") == [2, 1, 0]
    with pytest.raises(BadPrompt, match="cannot spell"):
        tokenizer.encode("abc")


def test_vocabularies_that_do_not_fit_together(gguf_maker):
    """A merge of unknown tokens, and no tokens at all."""
    with pytest.raises(UnsupportedModel, match="does not fit together"):
        Tokenizer.from_gguf(vocabulary(gguf_maker, merges=("x y",)))
    path = gguf_maker.write([gguf_maker.pair("tokenizer.ggml.model", 8, gguf_maker.text("gpt2"))])
    with pytest.raises(UnsupportedModel, match=r"tokenizer\.ggml\.tokens"):
        Tokenizer.from_gguf(path)
