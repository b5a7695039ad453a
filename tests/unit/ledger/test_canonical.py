"""Canonical JSON: what it writes, and everything it refuses, with its path."""

import enum
import json
import math

import pytest

from ledger import canonical


class Whole(int):
    """An int that is not exactly one."""


class Word(str):
    """A str that is not exactly one."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"b": 1, "a": 2, "A": 3, "_": 4}, b'{"A":3,"_":4,"a":2,"b":1}'),
        ({"x": {"d": [], "c": {}}}, b'{"x":{"c":{},"d":[]}}'),
        ([None, True, False], b"[null,true,false]"),
        ((1, (2, 3)), b"[1,[2,3]]"),
        (2**53, b"9007199254740992"),
        (-(2**53), b"-9007199254740992"),
        (1.0, b"1.0"),
        (-0.0, b"-0.0"),
        (0.1, b"0.1"),
        (1e15, b"1000000000000000.0"),
        (1e16, b"1e16"),
        (123456789012345680.0, b"1.2345678901234568e17"),
        (0.00001, b"0.00001"),
        (0.000001, b"1e-6"),
        (5e-324, b"5e-324"),
        ("é€😀", '"é€😀"'.encode()),
        ('\x00\x1f\b\t\n\f\r"\\/\x7f', b'"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/\x7f"'),
    ],
)
def test_spelling(value, wanted):
    """A value has one spelling, and it reads back as the same value."""
    assert canonical.problems(value) == []
    assert canonical.encode(value) == wanted
    assert json.loads(wanted) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, 'value: not finite; where the field allows it, spell it as the string "NaN"'),
        ({"a": math.inf}, '"Infinity"'),
        ({"a": [0, -math.inf]}, "a[1]: not finite; where the field allows it, spell it as the"),
        ({"a": {"b": 2**53 + 1}}, "a.b: 9007199254740993 is beyond 2^53; write it as a string"),
        ([-(2**53) - 1], "[0]: -9007199254740993 is beyond 2^53"),
        ({"a": "\ud800"}, "a: contains a lone surrogate"),
        ({"é": 1}, "value: key 'é' is not printable ASCII text"),
        ({"": 1}, "value: key '' is not printable"),
        ({"a\n": 1}, "value: key 'a\\n' is not printable"),
        ({1: 1}, "value: key 1 is not printable"),
        ({"a": {3}}, "a: set is not a JSON value"),
        ({"a": b"x"}, "a: bytes is not a JSON value"),
        ({"a": Whole(3)}, "a: Whole is not a JSON value"),
        ({"a": Word("x")}, "a: Word is not a JSON value"),
        ({"a": enum.IntEnum("Level", "LOW").LOW}, "a: Level is not a JSON value"),
    ],
)
def test_refusals(value, reason):
    """What JSON cannot say exactly is refused, with the path to it."""
    (found,) = canonical.problems(value)
    assert reason in found


def test_all_problems_at_once():
    """Every problem of a value is reported, not the first one."""
    found = canonical.problems({"a": math.nan, "b": [2**60, {"c": {1}}], "d": 1})
    assert [text.split(":")[0] for text in found] == ["a", "b[0]", "b[1].c"]


def test_depth():
    """Thirty-two levels are held, the thirty-third is refused."""
    value = 1
    for _ in range(canonical.MAX_DEPTH):
        value = [value]
    assert canonical.problems(value) == []
    (found,) = canonical.problems([value])
    assert "nested deeper than 32 levels" in found


def test_digest():
    """A digest is the SHA-256 of the canonical bytes, whatever the order of keys."""
    wanted = "sha256:43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777"
    assert canonical.digest({"b": 2, "a": 1}) == canonical.digest({"a": 1, "b": 2}) == wanted
