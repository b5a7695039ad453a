"""The short way to write a cell, and where it means nothing."""

import itertools

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.sections.markdown import blank, opaque_spans, prose_of
from ledger.sections.short_form import expand, format_cell, short_cells


def called(text):
    """What the calls that are written out are called with."""
    calls = []
    environment = jinja2.Environment()  # noqa: S701 - no page is made
    environment.globals["cell"] = lambda *given, **more: calls.append((given, more)) or ""
    environment.from_string(expand(text)).render()
    return calls


def test_the_three_ways():
    """Reference, unit, digits."""
    assert called("[[a of b]] [[ a of b | nats ]] [[a of b|nats|3]] [[position 7||2]]") == [
        (("a of b",), {}),
        (("a of b",), {"unit": "nats"}),
        (("a of b",), {"unit": "nats", "digits": 3}),
        (("position 7",), {"digits": 2}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "`[[a of b]]`",
        "``a ` [[a of b]]``",
        "```\n[[a of b]]\n```",
        "~~~ text\n[[a of b]]\n~~~\n",
        "```\n[[a of b]] in a fence that does not end",
        "{% set x = [[1, 2]] %}",
        "{{ [[1]] }}",
        "{# [[a of b]] #}",
        "<!-- [[a of b]] -->",
        "[[a\nb]]",
        "[[]]",
        "[a](b)",
    ],
)
def test_where_it_means_nothing(text):
    """In code, in Jinja, in comments, and where it is none."""
    assert expand(text) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="[]|\n"), min_size=1, max_size=30))
def test_any_reference(reference):
    """Whatever is named arrives as it was written, and nothing else is run."""
    text = format_cell(reference)
    found = list(short_cells(text))
    assert found or not reference.isalnum()
    for cell in found:
        assert called(text) == [((cell.reference,), {})]
        assert cell.reference == reference.strip(" \t")


@given(st.text(alphabet="`~[]{}%#ab \n<!->", max_size=60))
def test_any_text(text):
    """Spans are in order, lines stay the same, and what is blank is as long as it was."""
    spans = opaque_spans(text)
    assert spans == sorted(spans)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    assert len(prose_of(text)) == len(text)
    assert blank(text, [(0, len(text))]).strip() == ""
    assert expand(text).count("\n") == text.count("\n")
