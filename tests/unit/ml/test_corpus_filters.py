"""The filters of a corpus: what each lets through, changes and drops."""

import re
from pathlib import Path

import numpy as np
import pytest
from corpora import program

import ml.corpus
from ml.corpus import FILTERS
from ml.corpus.base import Document, Settings
from ml.corpus.near import BANDS, PERMUTATIONS, signature
from ml.corpus.personal import PERSONAL, mask
from ml.corpus.secrets import SECRETS, find_secret
from ml.corpus.shingles import shingles

TEXT = program("one", 40)
#: Made up, and put together here so that no scanner takes them for real ones.
KEYS = {
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "AWS key id": "AKIA" + "ABCDEFGHIJKLMNOP",
    "GitHub token": "ghp_" + "a1" * 18,
    "GitHub token, fine-grained": "github_pat_" + "a1" * 22,
    "GitLab token": "glpat-" + "a1" * 10,
    "Slack token": "xoxb-" + "1234567890",
    "Google key": "AIza" + "a" * 35,
    "Stripe key": "sk_live_" + "a1" * 10,
    "model API key": "sk-" + "proj-" + "a1" * 20,
    "package index token": "pypi-AgEI" + "a1" * 30,
    "npm token": "npm_" + "a1" * 18,
    "Hugging Face token": "hf_" + "aB" * 17,
    "JSON web token": "eyJ" + "hbGciOiJIUzI.eyJ" + "zdWIiOiIxMjM." + "a1" * 10,
}


def judge(name, **changes):
    """A filter, opened."""
    row = next(row for row in FILTERS if row.name == name)
    return row.open(Settings(folders=(), **changes))


def document(text=TEXT, data=None, licence="MIT"):
    """A document as it comes to a filter."""
    data = text.encode() if data is None else data
    return Document(path="src/a.py", package="a", licence=licence, data=data, text=text)


def test_every_filter_has_its_file():
    """A file of the room is a filter exactly if it has one, and is named as it."""
    room = Path(ml.corpus.__file__).parent
    files = {path.stem for path in room.glob("*.py") if "\nFILTER = " in path.read_text()}
    assert files == {row.name for row in FILTERS}
    assert len(files) == len(FILTERS)


@pytest.mark.parametrize(
    ("data", "stays"),
    [
        (b"x = 1\n", True),
        (b"", False),
        (b" \n\t\n", False),
        (b"x" * 100, True),
        (b"x" * 101, False),
    ],
)
def test_size(data, stays):
    """Nothing but white space, and a byte too many, are dropped."""
    assert (judge("size", document_bytes=100)(document(data=data)) is not None) == stays


@pytest.mark.parametrize("data", [b"\xff\xfe", b"caf\xe9", b"a\0b", b"\xed\xa0\x80"])
def test_what_is_no_text(data):
    """Other encodings, halves of surrogates and NUL are dropped."""
    assert judge("utf8")(document(text="", data=data)) is None


def test_text_is_decoded():
    """And kept exactly, marks of byte order and line ends included."""
    data = "\ufeffx = 'é'\r\n".encode()
    assert judge("utf8")(document(text="", data=data)).text.encode() == data


@pytest.mark.parametrize(
    ("expression", "stays"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-2.0-or-later OR MIT", True),
        ("MIT AND GPL-2.0", False),
        ("(MIT OR GPL-2.0) ", True),
        ("(MIT OR GPL-2.0) AND Proprietary", False),
        ("MIT AND BSD-3-Clause", True),
        ("MIT WITH something", False),
        ("", False),
        ("AND", False),
    ],
)
def test_licence_expressions(expression, stays):
    """One side of OR, both of AND; what is not understood is not allowed."""
    found = judge("licence")(document(f"# SPDX-License-Identifier: {expression}\nx = 1\n"))
    assert (found is not None) == stays


def test_licence_of_the_folder():
    """It counts where a file states none in its head."""
    deep = "\n" * 5000 + "# SPDX-License-Identifier: MIT\n"
    for text in ("x = 1\n", deep):
        assert judge("licence")(document(text, licence="Proprietary")) is None
        assert judge("licence", licences=["Proprietary"])(document(text, licence="Proprietary"))


@pytest.mark.parametrize("name", [row.name for row in SECRETS])
def test_every_secret_is_found(name):
    """Each row finds its own, within code; the document is dropped."""
    text = f"{TEXT}\nKEY = '{KEYS[name]}'\n"
    assert find_secret(text) == name
    assert judge("secrets")(document(text)) is None


def test_code_is_no_secret():
    """Names that begin like one are let through, and so is the rest."""
    text = "AKIA = 1\nghp_count = xoxo = 2\nsk-1\nnpm_install = hf_hub = eyJ\n'PUBLIC KEY-----'\n"
    assert find_secret(text + TEXT) is None
    assert judge("secrets")(document(text + TEXT)) is not None


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("# by Ada <ada.b+c@mail.lovelace.org>", "# by Ada <<EMAIL>>"),
        ("user@example.com", "user@example.com"),
        ("y = W@x.T", "y = W@x.T"),
        ("y = a@b.shape(3)", "y = a@b.shape(3)"),
        ("@functools.wraps", "@functools.wraps"),
        ("at 8.8.4.4:53", "at <IPV4>:53"),
        ("127.0.0.1 10.1.2.3 192.168.0.1 203.0.113.5 0.0.0.0 255.255.255.0",) * 2,
        ("version 1.2.3 or 1.2.3.4.5 or 300.1.1.1",) * 2,
        ("call +1 415 555 0132 now", "call <PHONE> now"),
        ("call (415) 555-0132", "call <PHONE>"),
        ("x = a +1 * 22", "x = a +1 * 22"),
        ("ssn 123-45-6789.", "ssn <SSN>."),
        ("card 4111 1111 1111 1111", "card <CARD>"),
        ("id 4111111111111111", "id 4111111111111111"),
    ],
)
def test_what_points_to_a_person(text, masked):
    """Masked in its line; the lines around stay as they are."""
    assert mask(text) == masked
    assert mask(f"a\n{text}\n\nb") == f"a\n{masked}\n\nb"
    after = judge("personal")(document(text))
    assert after.text == masked


def test_several_in_one_text():
    """Each is masked, in one line or in many, at the beginning and at the end."""
    one = "a@b.org 8.8.4.4"
    assert mask("\n".join([one] * 3)) == "\n".join(["<EMAIL> <IPV4>"] * 3)
    assert len(PERSONAL) == 5


def test_exact_copies():
    """The first stays."""
    opened = judge("exact")
    assert opened(document("a")) is not None
    assert opened(document("b")) is not None
    assert opened(document("a")) is None


def changed(text, every):
    """The text with each so many-th line replaced."""
    lines = text.splitlines()
    return "\n".join(f"other{n} = {n * 7}" if n % every == 3 else x for n, x in enumerate(lines))


def test_near_duplicates():
    """Other white space is the same document; a fifth of other lines is another one."""
    opened = judge("near")
    assert opened(document(TEXT)) is not None
    assert opened(document(TEXT.replace("    ", "\t"))) is None
    assert opened(document(changed(TEXT, 60))) is None
    assert opened(document(changed(TEXT, 5))) is not None
    assert opened(document(program("two", 40))) is not None


def true_similarity(a, b):
    """The Jaccard index of two texts' shingles."""
    left, right = (set(shingles(text.encode()).tolist()) for text in (a, b))
    return len(left & right) / len(left | right)


def test_similarity_is_estimated():
    """Over pairs of every similarity, the estimate is off by what 128 draws allow."""
    pairs = [
        (program(n, 60), changed(program(n, 60), every)) for n, every in enumerate(range(2, 40))
    ]
    errors = []
    for a, b in pairs:
        estimate = np.mean(signature(a.encode()) == signature(b.encode()))
        errors.append(estimate - true_similarity(a, b))
    assert abs(np.mean(errors)) < 0.015
    assert np.std(errors) < 0.06
    assert PERMUTATIONS == 128
    assert PERMUTATIONS % BANDS == 0


def test_signatures_are_the_same_for_ever():
    """A corpus of another day drops the same documents."""
    golden = [160377051, 110217734, 223684757]
    assert signature(b"def f(a, b):\n    return a + b * 2\n")[:3].tolist() == golden


def slow_shingles(text):
    """The same as `shingles`, a token and a byte at a time, in Python's integers."""

    def mix(value):
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            value = (value ^ value >> 33) * factor % 2**64
        return value ^ value >> 33

    base = 0x9E3779B97F4A7C15
    words = re.findall(rb"[0-9A-Za-z_\x80-\xff]+|[^0-9A-Za-z_\x80-\xff \t\n\r\f\v]", text)
    tokens = [mix(sum((b + 1) * base**i for i, b in enumerate(word)) % 2**64) for word in words]
    size = min(5, len(tokens))
    spans = [tokens[at : at + size] for at in range(len(tokens) - size + 1 if size else 0)]
    return [
        mix(sum(t * base ** (size - 1 - i) for i, t in enumerate(s)) % 2**64) >> 32 for s in spans
    ]


@pytest.mark.parametrize("text", [b"", b"x", b"\xc3\xa9 = '\x00'\r\n", TEXT.encode()[:3000]])
def test_shingles_are_those_of_the_slow_way(text):
    """Sums of prefixes give the hash of each token, wherever it stands."""
    assert shingles(text).tolist() == slow_shingles(text)


@pytest.mark.parametrize("text", [b"", b"x", b"a b c d", b"\xc3\xa9", b"()" * 3])
def test_short_texts(text):
    """Fewer than five tokens make one shingle, or none."""
    count = len(shingles(text))
    assert count == {b"": 0, b"()" * 3: 2}.get(text, 1)
    assert signature(text).shape == (PERMUTATIONS,)
