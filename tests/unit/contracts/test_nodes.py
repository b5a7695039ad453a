"""YAML as a strict tree: places are kept, surprises are told, nothing explodes."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ledger.contracts.nodes import MAX_BYTES, MAX_DEPTH, Mark, read_tree
from ledger.errors import Malformed


def problems_of(text):
    """The problems of a text, as (line, column, words)."""
    return [(at.line, at.column, words) for at, words in read_tree(text.encode())[1]]


def test_values_know_their_place():
    """Lines and columns count from 1; keys have places, too."""
    root, problems = read_tree(b"a: 1\nb:\n  - x\n  - {c: true}\n")
    assert problems == []
    assert root.plain() == {"a": 1, "b": ["x", {"c": True}]}
    assert root.value["b"].value[1].mark == Mark(4, 5)
    assert root.keys["b"] == Mark(2, 1)
    assert root.value["b"].value[1].keys["c"] == Mark(4, 6)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        ("1.5E+3", 1500.0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1.2.3", "1.2.3"),
        ("<=", "<="),
        ("'no'", "no"),
        ('"1"', "1"),
        ("two words", "two words"),
    ],
)
def test_scalars(text, value):
    """Numbers are those of JSON, quoted words are text, and the types are kept apart."""
    root, problems = read_tree(f"- {text}\n".encode())
    assert problems == []
    assert root.plain() == [value]
    assert type(root.plain()[0]) is type(value)


@pytest.mark.parametrize(
    "word",
    [
        "no", "yes", "on", "Off", "y", "N", "True", "NULL", "0123", "0x1f", "1_000", "1:30", "+3",
        ".5", ".inf", ".nan", "2026-01-01", "=",
    ],
)  # fmt: skip
def test_surprises(word):
    """A word that programs read in several ways is told, not guessed."""
    ((line, column, text),) = problems_of(f"a: {word}\n")
    assert (line, column) == (1, 4)
    assert text.startswith(f"{word}: programs read this in several ways")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a is given in line 1 already"),
        ("a: &x 1\n", 1, "&x: no anchors"),
        ("a: &x [1]\nb: *x\n", 2, "*x: no anchors"),
        ("a: !!str 1\n", 1, "no tags"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, "no tags"),
        ("1: a\n", 1, '"1": a key is text'),
        ("no: a\n", 1, '"no": a key is text'),
        ("? [a, b]\n: c\n", 1, "a key is text, not a list"),
        ("a: 1\n<<: {b: 2}\n", 2, "no merge keys"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("a: 9007199254740993\n", 1, "beyond what a number here can be"),
        ("a: 1e999\n", 1, "beyond what a number here can be"),
        ('a: "\\ud800"\n', 1, "lone surrogate"),
    ],
)
def test_problems(text, line, words):
    """What YAML allows and a contract does not is found, with its line."""
    assert any(at == line and words in what for at, _, what in problems_of(text))


def test_problems_come_together():
    """One does not hide the next, and a bad key does not hide its value."""
    assert len(problems_of("a: no\na: yes\n5: off\nb: &x 1\n")) == 6


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"a: \xff\n", 3),
        (b"a: [1, 2\n", 9),
        (b"\xc3\xa4: [}\n", 5),
        (b"a: >=\n", 4),
        (b"a: \x00\n", 3),
        (b"a: b: c\n", 4),
    ],
)
def test_malformed(data, offset):
    """No YAML at all: the byte is named."""
    with pytest.raises(Malformed) as caught:
        read_tree(data)
    assert caught.value.offset == offset
    assert caught.value.hint


def test_character_that_is_none():
    """An escape beyond Unicode is malformed, though PyYAML does not say so itself."""
    with pytest.raises(Malformed):
        read_tree(b'a: "\\UFFFFFFFF"\n')


def test_limits():
    """Deep nesting, many bytes and a bomb of aliases end at once."""
    deep = b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)
    for data in (deep, b"[" * 100_000, b"#" * (MAX_BYTES + 1)):
        with pytest.raises(Malformed):
            read_tree(data)
    assert read_tree(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)[1] == []
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 60)
    )
    assert len(problems_of(bomb)) == 60 + 59 * 9


def test_empty():
    """No document is null, which no contract is."""
    assert [read_tree(data)[0].value for data in (b"", b"# nothing\n", b"---\n")] == [None] * 3


def tree_or_offset(data):
    """The tree and problems of bytes, or the byte at which they are malformed."""
    try:
        return read_tree(data)
    except Malformed as error:
        return error.offset


@given(st.binary(max_size=300))
def test_any_bytes(data):
    """Bytes are a tree, or malformed at a byte that lies in them."""
    found = tree_or_offset(data)
    if isinstance(found, int):
        assert 0 <= found <= len(data)
    else:
        assert isinstance(found[0].mark, Mark)


@given(st.text(alphabet="a:-[]{},&*!|>'\"#? \n\t%@`~<01.e\\xU", max_size=80))
def test_any_punctuation(text):
    """What looks like YAML is malformed at one of its bytes, or what PyYAML reads, or a problem."""
    found = tree_or_offset(text.encode())
    if isinstance(found, int):
        assert 0 <= found <= len(text.encode())
        return
    root, problems = found
    if not problems and _agrees_by_nature(root.plain()):
        assert root.plain() == yaml.safe_load(text)


def _agrees_by_nature(value):
    """Whether PyYAML reads a value as we do: it has 1e5 as text."""
    if isinstance(value, dict):
        return all(map(_agrees_by_nature, value.values()))
    if isinstance(value, list):
        return all(map(_agrees_by_nature, value))
    return not isinstance(value, float)
