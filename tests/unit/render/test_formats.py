"""The same value, the same text, everywhere."""

import csv as csv_module
import io
import json
import math

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.render.formats import (
    NOTHING,
    code,
    csv,
    escape,
    number,
    short,
    table,
    to_json,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, NOTHING),
        (True, "yes"),
        (False, "no"),
        (7, "7"),
        (10**20, "1" + "0" * 20),
        (0.0, "0"),
        (-0.0, "-0"),
        (1.23456789, "1.235"),
        (1e-9, "1e-09"),
        (123456.0, "1.235e+05"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        ("text", "text"),
    ],
)
def test_number(value, text):
    """Four significant digits; what is no number as it is; nothing as a dash."""
    assert number(value) == text


def test_short():
    """The beginning of a hash, with its prefix."""
    assert short("sha256:" + "ab" * 32) == "sha256:ababababab"
    assert short(None) == NOTHING


@pytest.mark.parametrize("character", list("\\|*_`<>[]~"))
def test_escape(character):
    """Each character that means something in Markdown is taken literally."""
    assert escape(f"a{character}b") == f"a\\{character}b"


def test_escape_lines():
    """Text stays on its line, whatever separates lines in it."""
    assert escape("a\n\n# b\r\nc\u2028d\x85e\tf") == "a # b c d e f"
    assert escape("&lt;b&gt;") == "&amp;lt;b&amp;gt;"
    assert escape(None) == NOTHING


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("a\nb", "`a b`"),
        ("``x``", "``` ``x`` ```"),
    ],
)
def test_code(text, span):
    """A code span that its own text cannot end."""
    assert code(text) == span


def test_table():
    """One row a line, whatever is in the cells."""
    rows = [{"a_b": "x|y\nz", "n": 1.23456}, {"a_b": None, "n": True}]
    assert (
        table(rows, ["a_b", "n"])
        == "| a b | n |\n|---|---|\n| x\\|y z | 1.235 |\n| \N{EN DASH} | yes |"
    )
    assert table([], ["a"], {"a": "title"}) == "| title |\n|---|"
    with pytest.raises(jinja2.UndefinedError, match="no column 'c'"):
        table(rows, ["c"])


cells = (
    st.none()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_characters="\r\x00", exclude_categories=("Cs",)), min_size=1)
)


@given(st.lists(st.tuples(cells, cells), max_size=5))
def test_csv_reads_back(rows):
    """Cells come back exactly through another reader: numbers with all their digits."""
    text = csv([{"a": a, "b": b} for a, b in rows], ["a", "b"])
    back = list(csv_module.reader(io.StringIO(text, newline="")))
    assert back[0] == ["a", "b"]
    wanted = [
        ["" if c is None else repr(c) if isinstance(c, float) else str(c) for c in r] for r in rows
    ]
    assert back[1:] == wanted


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_json_reads_back(value):
    """JSON comes back as it was; infinities are spelled."""

    def plain(item):
        if isinstance(item, float) and math.isinf(item):
            return "Infinity" if item > 0 else "-Infinity"
        if isinstance(item, dict):
            return {key: plain(each) for key, each in item.items()}
        return [plain(each) for each in item] if isinstance(item, list) else item

    assert json.loads(to_json(value)) == plain(value)
    assert to_json(value) == to_json(json.loads(to_json(value)))


def test_json_of_what_is_not_finite():
    """No bare NaN, which other readers refuse."""
    assert json.loads(to_json([math.nan])) == ["NaN"]
