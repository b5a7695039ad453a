"""Whatever the text, decoding gives back what was encoded; whatever the ids, they have a text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vocabularies import byte_vocabulary, trained

from ml.tokenizer import Tokenizer

#: Text as it comes, and pieces that vocabularies treat in a way of their own.
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            (
                " ",
                "  ",
                "\u2581",
                "<user>",
                "<|im_end|>",
                "\x00",
                "\u0301",
                "\u200d",
                "🙂",
                "<0x0A>",
                "\r\n",
            )
        ),
    ),
    max_size=12,
).map("".join)


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """Byte-level with several rows, with user-defined tokens, and SentencePiece's."""
    folder = tmp_path_factory.mktemp("vocabularies")
    trained(folder / "spm.gguf", defined=("<user>",))
    paths = [folder / "spm.gguf"]
    for pre in ("gpt-2", "llama-bpe", "deepseek-llm", "falcon", "gpt-4o", "superbpe", "default"):
        paths.append(byte_vocabulary(folder / f"{pre}.gguf", pre=pre, defined=("<user>", "  ")))
    return [Tokenizer.from_gguf(path) for path in paths]


@given(text=TEXTS)
@settings(max_examples=300, deadline=None)
def test_text_comes_back(tokenizers, text):
    """By every vocabulary that has all bytes, parsed for special tokens or not."""
    for tokenizer in tokenizers:
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert tokenizer.decode(tokenizer.encode(text, special=True)) == text


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_ids_have_a_text_that_grows(tokenizers, data):
    """Bytes of more ids begin with the bytes of fewer."""
    tokenizer = data.draw(st.sampled_from(tokenizers))
    ids = data.draw(st.lists(st.integers(0, len(tokenizer.vocabulary.tokens) - 1), max_size=20))
    whole = tokenizer.decode_bytes(ids)
    for count in range(len(ids)):
        assert whole.startswith(tokenizer.decode_bytes(ids[:count]))
    assert tokenizer.decode(ids) == whole.decode(errors="replace")
