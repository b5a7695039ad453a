"""Typed numbers: found within their precision, and what only looks like one is left alone."""

import pytest

from ledger.sections.typed import find_typed, typed_numbers


def cell(value, unit="nats", metric="loss_final", name="train-0001", position=7):
    """A cell on record."""
    return {
        "metric": metric, "name": name, "value": value, "unit": unit, "what": "measurement",
        "hash": "sha256:" + "0" * 64, "position": position,
    }  # fmt: skip


def found(body, *cells):
    """The numbers that are findings."""
    return [match.typed.text for match in find_typed(body, cells)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3.29", 3.2871),
        ("3.3 nats", 3.2871),
        ("3.2871", 3.2871),
        ("(3.29)", 3.2871),
        ("**3.29**", 3.2871),
        ("_3.29_", 3.2871),
        ("| 3.29 |", 3.2871),
        ("3.29.", 3.2871),
        ("3.29, then", 3.2871),
        ("≈3.29", 3.2871),
        ("3.29nats", 3.2871),
        ("-0.0052", -0.00519),
        ("\N{MINUS SIGN}0.0052", -0.00519),
        ("1.2e-3", 0.00123),
        ("38,191,104", 38191104),
        ("38191104", 38191104),
        ("76.11 s", None),
        ("12 nats", 12),
        ("loss_final: 12", 12),
        ("12 in train-0001", 12),
        ("2048 nats", 2048),
    ],
)
def test_within_the_precision(text, value):
    """However it is written, a number of a cell is found; in another unit it is another number."""
    cells = (
        [cell(76.11, "nats"), cell(1.0, "s", "wall", "run-1")] if value is None else [cell(value)]
    )
    assert len(found(f"It was {text}\n", *cells)) == (0 if value is None else 1)


def test_percent():
    """A ratio may be typed in percent."""
    assert found("It was 76.1 %.", cell(0.7613, "ratio")) == ["76.1"]
    assert found("It was 76.1%.", cell(76.12, "%")) == ["76.1"]
    assert found("It was 76.1 %.", cell(76.12, "nats")) == []


@pytest.mark.parametrize(
    "text",
    [
        "in 2026 and 1999", "on 2026-01-02", "at 12:30", "v2026.5", "version 2026", "3.29.1",
        "§2026", "section 2026", "Sections 2026", "position 2026", "positions 2026 and 2026",
        "`3.29`", "```\n3.29\n```", "{{ 3.29 }}", "{% if 3.29 %}", "[a](b3.29)", "x[^2026]",
        "https://example.org/3.29", "train-2026", "q4_2026", "#2026", "2026th", "layer3.29",
        "3.29-fold", "7B", "# 3.29 A heading", "## 2026. A heading", "- 12. item", "2026. item",
        "12 layers", "3.28", "3.295", "3.2", "[[3.29 of x]]",
    ],
)  # fmt: skip
def test_what_is_no_number_of_a_cell(text):
    """Years, versions, sections, code, names, lists' own numbering, and other numbers."""
    assert found(f"{text}\n", cell(3.2871), cell(2026), cell(12), cell(7)) == []


def test_the_message_names_the_cell():
    """It says what to write; where several cells have one name, by position."""
    (match,) = find_typed("a\n\nIt was 3.29 nats.", [cell(3.2871)])
    assert match.typed.line == 3
    assert match.message() == (
        "3.29 is typed; a cell has that value: [[loss_final of train-0001 | nats]]"
    )
    (match,) = find_typed("3.29", [cell(3.2871), cell(3.29, position=8)])
    assert "[[position 7 | nats]], [[position 8 | nats]]" in match.message()


def test_what_has_no_number():
    """Truth values, texts and what is not finite match nothing."""
    cells = [cell(True), cell("3.29"), cell("NaN"), cell(None), cell([3.29])]
    assert found("3.29 and 1 nats", *cells) == []


def test_a_number_beyond_floats():
    """A number that no cell can have is no finding, and no failure."""
    assert [typed.text for typed in typed_numbers("1e999 and 1e99")] == ["1e99"]
