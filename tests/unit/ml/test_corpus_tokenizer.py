"""The tokenizer of a corpus: trained, or given as a file."""

import json
from pathlib import Path

import pytest
import tokenizers
from corpora import program

from ml.corpus import vocabulary
from ml.errors import BadOption, FileUnreadable, MalformedFile

TEXTS = [program(n) for n in range(20)]


@pytest.fixture(scope="module")
def trained():
    """A tokenizer of 500 tokens."""
    return vocabulary.train(TEXTS, 500)


def write(path, form):
    """A tokenizer.json of a form, in a file."""
    path.write_text(json.dumps(form))
    return path


def test_a_trained_tokenizer_is_what_the_package_reads(trained):
    """Its ids are those of the package, its bytes those of the text."""
    backend = tokenizers.Tokenizer.from_str(trained.content.decode())
    for text in [*TEXTS, "é = 'ü'\n\n  x\n", "x\n\n\n\ty\n", " ", "don't've 's"]:
        ids = trained.encode([text])[0]
        assert ids.tolist() == backend.encode(text).ids
        assert trained.bytes_of(ids) == text.encode()
    assert trained.tokens == backend.get_vocab_size() == 500
    assert (trained.end_id, trained.unknown_id) == (0, None)
    assert trained.dtype == "<u2"


def test_training_is_the_same_again(trained):
    """Byte for byte; in another order of the texts too, because words are counted."""
    assert vocabulary.train(TEXTS, 500).content == trained.content
    assert vocabulary.train(reversed(TEXTS), 500).content == trained.content


def test_few_texts_make_few_tokens():
    """All bytes are there, whatever the texts have."""
    small = vocabulary.train(["ab"], 300)
    assert small.tokens == 258
    assert small.bytes_of(small.encode(["\x00é\U0001f600"])[0]) == "\x00é\U0001f600".encode()


def test_the_end_token_is_text_within_text(trained):
    """Its spelling is encoded like any other."""
    ids = trained.encode(["a<|endoftext|>b"])[0]
    assert trained.end_id not in ids.tolist()
    assert trained.bytes_of(ids) == b"a<|endoftext|>b"


def test_a_tokenizer_that_cuts_in_another_way(trained, tmp_path):
    """It goes through the package: the ids are its own, and come back."""
    form = json.loads(trained.content)
    digits = {"type": "Digits", "individual_digits": True}
    form["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [digits, form["pre_tokenizer"]]}
    other = vocabulary.load(write(tmp_path / "t.json", form))
    backend = tokenizers.Tokenizer.from_str(json.dumps(form))
    text = "x1234 = 56\n"
    ids = other.encode([text])[0]
    assert ids.tolist() == backend.encode(text).ids != trained.encode([text])[0].tolist()
    assert other.bytes_of(ids) == text.encode()


def test_a_large_vocabulary_takes_four_bytes(trained, tmp_path):
    """Ids beyond 65,535 do not fit into two."""
    form = json.loads(trained.content)
    form["model"]["vocab"] |= {f"unused{n}": n for n in range(500, 70_000)}
    large = vocabulary.load(write(tmp_path / "t.json", form))
    assert (large.tokens, large.dtype) == (70_000, "<u4")
    assert large.encode([TEXTS[0]])[0].tolist() == trained.encode([TEXTS[0]])[0].tolist()


def test_ids_without_bound_are_refused(trained, tmp_path):
    """A file of a kilobyte does not take gigabytes of memory."""
    form = json.loads(trained.content)
    form["model"]["vocab"]["far"] = 4_000_000_000
    with pytest.raises(BadOption, match="4000000000"):
        vocabulary.load(write(tmp_path / "t.json", form))


def renamed(content, name):
    """The form with the end token called otherwise."""
    form = json.loads(content)
    form["added_tokens"][0]["content"] = name
    form["model"]["vocab"][name] = form["model"]["vocab"].pop("<|endoftext|>")
    return form


def test_the_end_token_is_found_or_named(trained, tmp_path):
    """By its usual names; by another one only if it is given."""
    usual = write(tmp_path / "usual.json", renamed(trained.content, "</s>"))
    assert vocabulary.load(usual).end_id == 0
    other = write(tmp_path / "other.json", renamed(trained.content, "<fin>"))
    with pytest.raises(BadOption, match="no token") as caught:
        vocabulary.load(other)
    assert "--end-token" in caught.value.hint
    assert vocabulary.load(other, "<fin>").end_id == 0


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"", MalformedFile, "no JSON"),
        (b"\xff\xfe{}", MalformedFile, "no JSON"),
        (b"[1, 2]", MalformedFile, "no tokenizer"),
        (b"[" * 100_000, MalformedFile, "no"),
        (b'{"model": {"type": "BPE"}}', MalformedFile, "no tokenizer"),
    ],
)
def test_a_file_that_is_no_tokenizer(tmp_path, content, error, says):
    """One error with a hint."""
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(error, match=says):
        vocabulary.load(path)
    with pytest.raises(FileUnreadable):
        vocabulary.load(Path(tmp_path))


def test_other_kinds_of_tokenizers(trained, tmp_path):
    """Word pieces and BPE that is not of bytes are refused."""
    form = json.loads(trained.content)
    with pytest.raises(BadOption, match="no byte-level BPE"):
        vocabulary.load(write(tmp_path / "t.json", form | {"pre_tokenizer": None}))
