"""Vocabularies whose parts contradict each other: refused by name, whatever they hold."""

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vocabularies import CONTROL, NORMAL, write_vocabulary

from ml.containers import open_container
from ml.errors import MlError, UnsupportedModel
from ml.tokenizer import Tokenizer
from ml.tokenizer.pretokenizers import PRETOKENIZERS
from ml.tokenizer.vocabulary import read_vocabulary

TOKENS = ("a", "b", "ab", "<|im_end|>")


def pairs(maker, **changes):
    """The pairs of a small vocabulary, some of them changed or left out."""
    numbers = struct.pack("<IQ4i", 5, 4, 1, 1, 1, 3)
    found = {
        "model": maker.pair("tokenizer.ggml.model", 8, maker.text("gpt2")),
        "pre": maker.pair("tokenizer.ggml.pre", 8, maker.text("gpt-2")),
        "tokens": maker.strings("tokenizer.ggml.tokens", TOKENS),
        "types": maker.pair("tokenizer.ggml.token_type", 9, numbers),
        "merges": maker.strings("tokenizer.ggml.merges", ("a b",)),
    } | changes
    return [pair for pair in found.values() if pair]


def test_types_and_ends(gguf_maker):
    """The text of a token ends a text where no key says so; an unknown type is none."""
    tokenizer = Tokenizer.from_gguf(gguf_maker.write(pairs(gguf_maker)))
    assert tokenizer.end_ids == {3}
    assert tokenizer.encode("ab<|im_end|>", special=True) == [2, 3]
    odd = gguf_maker.pair("tokenizer.ggml.token_type", 9, struct.pack("<IQ4i", 5, 4, 9, 1, 1, 3))
    vocabulary = read_vocabulary(open_container(gguf_maker.write(pairs(gguf_maker, types=odd))))
    assert vocabulary.types[0] == 0


@pytest.mark.parametrize(
    ("name", "payload", "said"),
    [
        ("types", struct.pack("<IQ2i", 5, 2, 1, 1), "no list of 4 numbers"),
        ("scores", struct.pack("<IQ4f", 6, 4, 0, 0, float("nan"), 0), "score of token 2 is nan"),
    ],
)
def test_numbers_that_do_not_fit(gguf_maker, name, payload, said):
    """Too few, or none."""
    key = {"types": "token_type", "scores": "scores"}[name]
    pair = gguf_maker.pair(f"tokenizer.ggml.{key}", 9, payload)
    with pytest.raises(UnsupportedModel, match=said):
        Tokenizer.from_gguf(gguf_maker.write(pairs(gguf_maker, **{name: pair})))


def test_no_merges(gguf_maker):
    """Byte-level BPE cannot do without."""
    with pytest.raises(UnsupportedModel, match="no merges"):
        Tokenizer.from_gguf(gguf_maker.write(pairs(gguf_maker, merges=None)))


def test_harmony_ends_with_its_own_tokens(tmp_path):
    """`<|end|>` ends a part there, not the text."""
    texts = ["a", "<|return|>", "<|call|>", "<|end|>"]
    path = write_vocabulary(
        tmp_path / "a.gguf", kind="gpt2", tokens=texts, types=[NORMAL, CONTROL, CONTROL, CONTROL],
        merges=["a a"], pre="gpt-4o",
    )  # fmt: skip
    assert read_vocabulary(open_container(path)).end_ids >= {1, 2}
    assert 3 not in read_vocabulary(open_container(path)).end_ids - {1}


WORDS = st.text(alphabet="ab▁Ġ <0xF>\u0000é", max_size=4)


@given(
    kind=st.sampled_from(("gpt2", "llama", "gemma4")),
    pre=st.sampled_from([row.names[0] for row in PRETOKENIZERS]),
    tokens=st.lists(WORDS, min_size=1, max_size=9, unique=True),
    merges=st.lists(st.tuples(WORDS, WORDS).map(" ".join), min_size=1, max_size=5),
    types=st.lists(st.integers(-1, 7), min_size=9, max_size=9),
    scores=st.lists(st.floats(-9, 9, width=32), min_size=9, max_size=9),
    text=st.text(alphabet="ab▁Ġ <0xF>\u0000é\n", max_size=12),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_vocabulary_works_or_is_refused(
    tmp_path, kind, pre, tokens, merges, types, scores, text
):
    """No other error than ours; and what is encoded comes back."""
    path = write_vocabulary(
        tmp_path / "a.gguf", kind=kind, tokens=tokens, types=types[: len(tokens)], merges=merges,
        scores=scores[: len(tokens)], pre=pre,
    )  # fmt: skip
    try:
        tokenizer = Tokenizer.from_gguf(path)
        ids = tokenizer.encode(text)
    except MlError:
        return
    assert all(0 <= token < len(tokens) for token in ids)
    if kind != "llama":
        assert tokenizer.decode(ids) == text
