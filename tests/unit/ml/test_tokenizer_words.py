"""How text is cut into words: each row of the table, fast and slow ways, tokens cut out before."""

import random

import pytest
from documents import ROOT
from tokenizers import Regex, pre_tokenizers
from vocabularies import byte_vocabulary

from ml.tokenizer import Tokenizer
from ml.tokenizer.ascii_words import ascii_parts, ascii_words, translated
from ml.tokenizer.fragments import Cutter
from ml.tokenizer.pretokenizers import PRETOKENIZERS, find_pretokenizer

POOLS = (
    "abXY '\n\r\t.,-_019", " \n\t\rx0",
    "'sS'tT'reVE'mMlLdD x", "Ab ABC 12345 (){}=\"#$&*+<>^`|~!?/",
    "\x00\x07\x0b\x0c\x1b\x1c\x1f\x7f a1.\n", "<sentinel:12> IMGIMGABZ    \t",
)  # fmt: skip


def texts():
    """Random texts over ASCII, and a page."""
    draw = random.Random(5)  # noqa: S311 - the same texts every time
    for _ in range(1500):
        pool = draw.choice(POOLS) + draw.choice(POOLS)
        yield "".join(draw.choice(pool) for _ in range(draw.randint(1, 30)))
    yield (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", PRETOKENIZERS, ids=lambda row: row.names[0])
def test_ascii_is_cut_as_the_package_cuts_it(row):
    """Python's expressions and Oniguruma's agree on every piece."""
    steps = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in row.patterns]
    words = ascii_words(row)
    if words is None:
        assert row.names[0] in ("kimi-k2", "gemma4", "superbpe")
        return
    for text in texts():
        slow = pre_tokenizers.Sequence(steps).pre_tokenize_str(text)
        assert words(text) == [word for word, _ in slow if word], text


@pytest.mark.parametrize("row", PRETOKENIZERS, ids=lambda row: row.names[0])
def test_parts_are_cut_where_every_row_cuts(row):
    """The pieces of the parts are the pieces of the text, for rows that go by parts."""
    if ascii_words(row) is None:
        return
    draw = random.Random(6)  # noqa: S311 - the same texts every time
    steps = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in row.patterns]
    cut = pre_tokenizers.Sequence(steps).pre_tokenize_str
    for _ in range(1500):
        pool = draw.choice(POOLS) + draw.choice(("é東 \n", "\u3000\n1a", "\u0301x\n\n.", "²\n 1"))
        text = "".join(draw.choice(pool) for _ in range(draw.randint(1, 40)))
        parts = ascii_parts(text)
        assert "".join(parts) == text
        pieces = [word for part in parts for word, _ in cut(part) if word]
        assert pieces == [word for word, _ in cut(text) if word], text


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("gpt-2", "don't  12a\n", ["don", "'t", " ", " 12", "a", "\n"]),
        ("llama-bpe", "I'LL 12345\n\n x", ["I", "'LL", " ", "123", "45", "\n\n", " x"]),
        ("qwen2", "a12 :)\n", ["a", "1", "2", " :)\n"]),
        ("starcoder", "x 12", ["x", " ", "1", "2"]),
        ("falcon", "a,b 1234", ["a", ",", "b", " ", "123", "4"]),
        ("deepseek-llm", "a b\n12 東京x", ["a", " b", "\n", "12", " ", "東京", "x"]),
        ("deepseek-coder", "a1\n", ["a", "1", "\n"]),
        ("deepseek-v3", "a1234 b", ["a", "123", "4", " b"]),
        ("bloom", "Hello, you", ["Hello", ",", " you"]),
        ("viking", "a1,b", ["a", "1", ",", "b"]),
        ("tekken", "HelloWorld ABCd", ["Hello", "World", " ABCd"]),
        ("gpt-4o", "it's ABCdef", ["it's", " ABCdef"]),
        ("kimi-k2", "東京abc日本", ["東京", "abc", "日本"]),
        ("superbpe", "1234567 a b", ["1", "234", "567", " a b"]),
        ("afmoe", "a1234", ["a", "1", "234"]),
        ("exaone-moe", "a b c1", ["a b c", "1"]),
        ("default", "a-b 1234", ["a", "-", "b", " ", "123", "4"]),
    ],
)
def test_rows(name, text, words):
    """One telling example a family, by the package."""
    row = find_pretokenizer(name)
    steps = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in row.patterns]
    found = pre_tokenizers.Sequence(steps).pre_tokenize_str(text)
    assert [word for word, _ in found if word] == words


def test_a_file_that_names_no_pretokenizer_has_the_default():
    """As llama.cpp takes it."""
    assert find_pretokenizer(None) is find_pretokenizer("default")


def test_categories_without_ascii_characters():
    """Inside a class and as a class of its own."""
    assert translated(r"[\p{Lt}a]") == "[\uffffa]"
    assert translated(r"\P{N}") == "[^0123456789]"
    assert translated(r"x\z") == r"x\Z"


def cutter(*tokens, strips=()):
    """Tokens with their places as ids."""
    return Cutter.of(tokens, range(len(tokens)), strips)


def test_the_longest_token_is_cut_out_first():
    """Wherever it stands; then the next longest in what is left."""
    assert cutter("ab", "bcd").cut("xabcd") == ["xa", 1]
    assert cutter("  ", "    ").cut("a      b") == ["a", 1, 0, "b"]
    assert cutter("é", "xy").cut("éxy") == [0, 1]
    assert cutter("ab").cut("") == []
    assert cutter().cut("ab") == ["ab"]
    assert cutter("<a>", strips=(0,)).cut("x <a> \n y<a> ") == ["x ", 0, "y", 0]


def test_one_batch_is_each_text_by_itself(tmp_path):
    """ASCII, not ASCII, empty, and with tokens that are cut out."""
    tokenizer = Tokenizer.from_gguf(byte_vocabulary(tmp_path / "a.gguf", defined=("    ", "<x>")))
    batch = ["hello the", "", "naïve <x> 東京", "    if<x>", "<|im_end|>", "\u2581"]
    assert tokenizer.encode_batch(batch) == [tokenizer.encode(text) for text in batch]
    assert [tokenizer.decode(ids) for ids in tokenizer.encode_batch(batch)] == batch


def test_special_tokens_when_asked(tmp_path):
    """One id each, and the same text back."""
    tokenizer = Tokenizer.from_gguf(byte_vocabulary(tmp_path / "a.gguf"))
    text = "<|im_start|>user\nhello<|im_end|>"
    parsed, plain = tokenizer.encode(text, special=True), tokenizer.encode(text)
    assert len(parsed) < len(plain)
    assert tokenizer.decode(parsed) == tokenizer.decode(plain) == text
    assert tokenizer.end_ids == {len(tokenizer.vocabulary.tokens) - n for n in (1, 2)}
