"""A corpus of any text: ids come back, hashes tell windows apart, orders are permutations."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.corpus import vocabulary
from ml.corpus.manifest import parse
from ml.corpus.personal import mask
from ml.corpus.reader import permuted
from ml.corpus.shards import Stream
from ml.corpus.shingles import shingles
from ml.corpus.windows import overlap, window_hashes
from ml.errors import MlError

U2 = np.dtype("<u2")
TOKENIZER = vocabulary.train(["def f(a):\n    return a + 1\n\n"] * 3 + ["é = 'naïve  '\n"], 330)
#: Signs that sit at the edges of words and lines.
CODE = st.text(alphabet=st.sampled_from(list("ab1_ \n\t\r'\"sl.é²\u00a0\u2028\u3000\x1c\x00😀")))


@given(text=CODE | st.text())
@settings(max_examples=500)
def test_ids_are_the_package_s_and_come_back(text):
    """Whatever was cut by our own expressions, or at line ends, is what the package makes."""
    import tokenizers

    text = text.encode("utf-8", "replace").decode()
    ids = TOKENIZER.encode([text])[0]
    assert TOKENIZER.bytes_of(ids) == text.encode()
    backend = tokenizers.Tokenizer.from_str(TOKENIZER.content.decode())
    backend.encode_special_tokens = True
    assert ids.tolist() == backend.encode(text).ids


@given(ids=st.lists(st.integers(0, 3), max_size=60), length=st.integers(1, 6))
def test_windows_are_equal_where_their_hashes_are(ids, length):
    """For every pair of places."""
    array = np.array(ids, U2)
    if len(ids) < length:
        return
    hashes = window_hashes(array, length)
    windows = [tuple(ids[i : i + length]) for i in range(len(hashes))]
    assert len(set(hashes.tolist())) == len(set(windows))
    half = len(ids) // 2
    found = overlap(Stream([array[:half]], U2), Stream([array[half:]], U2), length)
    there = {tuple(ids[i : i + length]) for i in range(half, len(ids) - length + 1)}
    expected = [i for i in range(half - length + 1) if tuple(ids[i : i + length]) in there]
    assert found.places.tolist() == expected


@given(count=st.integers(1, 3000), seed=st.integers(), epoch=st.integers(0, 2**40))
def test_an_order_is_a_permutation(count, seed, epoch):
    """For any seed and epoch, and its parts are the parts of the whole."""
    whole = permuted(np.arange(count, dtype=np.uint64), count, seed, epoch)
    assert sorted(whole.tolist()) == list(range(count))
    some = np.arange(count // 2, count, dtype=np.uint64)
    assert permuted(some, count, seed, epoch).tolist() == whole[count // 2 :].tolist()


@given(text=st.text() | CODE)
def test_masking_ends(text):
    """What was masked has nothing left to mask, and text without a sign of it stays."""
    once = mask(text)
    assert mask(once) == once
    if not any(sign.isdigit() or sign == "@" for sign in text):
        assert once == text


@given(text=st.binary(max_size=300))
def test_white_space_does_not_count(text):
    """Other runs of it make the same shingles."""
    wider = text.replace(b" ", b" \n\t ").replace(b"\n", b"\n  ")
    assert shingles(wider).tolist() == shingles(text).tolist()


@given(
    data=st.binary(max_size=200) | st.recursive(st.none(), st.lists).map(json.dumps).map(str.encode)
)
def test_what_is_no_manifest_is_refused(tmp_path_factory, data):
    """With an error of ours, whatever the bytes."""
    path = tmp_path_factory.getbasetemp() / "manifest.json"
    with pytest.raises(MlError) as caught:
        parse(data, path)
    assert caught.value.hint
