"""SentencePiece's vocabularies: against its own program, and the algorithm written plainly."""

from itertools import pairwise

import pytest
from vocabularies import BYTE, CONTROL, NORMAL, USER_DEFINED, trained, write_vocabulary

from ml.errors import BadPrompt
from ml.tokenizer import Tokenizer
from ml.tokenizer.sentence_piece import joined, word_pattern

TEXTS = (
    "", " ", "  ", "a", " a", "hello the ledger", "two  spaces   three", "\n", "a\nb\n\n  c",
    "\ttabs\t", "naïve 東京 🙂", "👨\u200d👩\u200d👧", "\u0301e\u0301", "\x00\x7f\u0085\u2028",
    "An **executor** turns what `ml` computes", "x" * 300, "the " * 50, "    return x\n",
)  # fmt: skip


@pytest.fixture(scope="module", params=[True, False], ids=["words", "across spaces"])
def both(request, tmp_path_factory):
    """A trained vocabulary, read by SentencePiece and by us; with tokens that hold spaces, too."""
    path = tmp_path_factory.mktemp("spm") / "words.gguf"
    reader = trained(path, by_spaces=request.param)
    return reader, Tokenizer.from_gguf(path)


@pytest.mark.parametrize("text", TEXTS)
def test_the_ids_are_sentence_pieces(both, text):
    """Bytes for what has no token, a space before the text, joined in the same order."""
    reader, tokenizer = both
    assert tokenizer.encode(text) == reader.encode(text)
    assert tokenizer.decode(reader.encode(text)) == text


def test_pages(both):
    """A thousand lines of this repository, some of which the vocabulary was not trained on."""
    from documents import ROOT

    reader, tokenizer = both
    for page in ("CHANGELOG.md", "Makefile", "pyproject.toml"):
        for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
            assert tokenizer.encode(line) == reader.encode(line), line


def plainly(word, scores):
    """The algorithm as it is documented: the best pair of all, the leftmost of equal ones."""
    symbols = list(word)
    while True:
        pairs = [
            (-scores[a + b], i) for i, (a, b) in enumerate(pairwise(symbols)) if a + b in scores
        ]
        if not pairs:
            return symbols
        _, i = min(pairs)
        symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]


def test_equal_scores_join_the_leftmost():
    """Where all tokens score alike, place alone decides."""
    words = ["aa", "aaa", "aaaa", "ab", "aab", "ba", "bab", "abab"]
    ids = {word: i for i, word in enumerate(words)}
    for scores in ([0.0] * 8, [-1.0, -2, -3, -4, -5, -6, -7, -8], [-3.0, -1, -1, -2, -2, 0, 0, -4]):
        table = dict(zip(words, scores, strict=True))
        for number in range(1, 1 << 9):
            word = f"{number:b}".replace("0", "a").replace("1", "b")
            assert joined(word, ids, scores) == plainly(word, table), word


def test_words_end_where_no_token_spans():
    """A token with a space in it keeps its neighbours together."""
    assert word_pattern(["▁a", "ab", "▁▁"]).findall("x▁ab▁▁c") == ["x", "▁ab", "▁▁c"]
    assert word_pattern(["a▁b"]).findall("xa▁b▁c") == ["xa▁b", "▁c"]
    assert "".join(word_pattern(["▁a"]).findall("a▁▁\n▁b")) == "a▁▁\n▁b"


def small(path, **changes):
    """A vocabulary of a few words and all bytes."""
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    words = ["<s>", "<user>", *bytes_, "▁", "a", "b", "▁a", "ab", "▁ab"]
    types = [CONTROL, USER_DEFINED, *[BYTE] * 256, *[NORMAL] * 6]
    scores = [0.0] * 258 + [-9.0, -8, -7, -1, -2, -3]
    return write_vocabulary(path, kind="llama", tokens=words, types=types, scores=scores, **changes)


def test_a_space_mark_in_the_text_stays_one(tmp_path):
    """U+2581 is given as bytes, so it does not come back as a space."""
    tokenizer = Tokenizer.from_gguf(small(tmp_path / "a.gguf"))
    ids = tokenizer.encode("a▁a a")
    assert tokenizer.decode(ids) == "a▁a a"
    assert set(ids) & set(range(2, 258))


def test_user_defined_tokens_are_cut_out(tmp_path):
    """They are always parsed, control tokens when asked; text behind one begins with a space."""
    tokenizer = Tokenizer.from_gguf(small(tmp_path / "a.gguf"))
    first, special, third = tokenizer.encode("ab<user>ab"), 1, tokenizer.encode("ab")
    assert first == [*third, special, *third]
    assert tokenizer.decode(first) == "ab<user>ab"
    assert 0 not in tokenizer.encode("<s>a")
    assert tokenizer.encode("<s>a", special=True)[0] == 0
    assert tokenizer.encode("a", bos=True)[0] == 0


def test_no_space_where_the_file_says_so(tmp_path):
    """`add_space_prefix` false."""
    tokenizer = Tokenizer.from_gguf(small(tmp_path / "a.gguf", space_prefix=False))
    assert tokenizer.encode("a") == [259]
    assert tokenizer.decode(tokenizer.encode(" a")) == " a"


def test_a_vocabulary_without_bytes_says_what_it_lacks(tmp_path):
    """No byte token, no silence."""
    path = write_vocabulary(
        tmp_path / "a.gguf", kind="llama", tokens=["▁", "a"], types=[1, 1], scores=[0.0, 0.0]
    )
    tokenizer = Tokenizer.from_gguf(path)
    assert tokenizer.decode(tokenizer.encode("a a")) == "a a"
    with pytest.raises(BadPrompt, match="'é'"):
        tokenizer.encode("é")


def test_phi3_drops_spaces_behind_special_tokens(tmp_path):
    """Only where they are parsed."""
    tokenizer = Tokenizer.from_gguf(small(tmp_path / "a.gguf", name="Phi-3 mini"))
    assert tokenizer.encode("<user> \n a", special=True) == [1, *tokenizer.encode("a")]
    assert tokenizer.decode(tokenizer.encode("<user>  a")) == "<user>  a"
