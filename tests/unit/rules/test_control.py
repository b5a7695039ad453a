"""The rule on control."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab

PASS = {"metric": "pass_rate", "unit": "percent"}
KNOWN = {"metric": "known_rate", "unit": "percent"}
HARNESS = {"model": "tiny4", "harness": "runner-1"}


def asks(lab, **changes):
    """A row with a control between 78 and 82."""
    control = {"control_metric": "known_rate", "control_low": 78, "control_high": 82}
    return lab.row(**PASS, operator=">=", threshold=60, **control | changes)


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"key": {"harness": "runner-2"}}, "ran on harness 'runner-2', the evidence on 'runner-1'"),
        ({"key": {}}, "its control ran on harness None"),
        ({"metric": "other"}, "its control measures other, not known_rate"),
        ({"value": 77.9}, "its control scored 77.9, known to lie in [78, 82]"),
        ({"value": "NaN"}, "its control scored NaN"),
        ({"value": True, "unit": None}, "its control scored True"),
        ({"provenance": "synthetic"}, "is synthetic, not measured"),
    ],
)
def test_a_control_that_is_none(lab, known, says):
    """Another harness, metric or score, or a number that was not measured, vouches for nothing."""
    row = asks(lab)
    control = lab.measured(**{"value": 80.0, **KNOWN, "key": HARNESS} | known)
    number = lab.measured(64.0, **PASS, key=HARNESS)
    said = lab.refusal(lambda: lab.verdict(row, number, control=control))
    assert any(line.startswith("control: ") and says in line for line in said)


def test_no_control_named_or_asked_for(lab):
    """One is named where it is asked for, and only there."""
    row, free = asks(lab), lab.row("FREE", **PASS, operator=">=", threshold=60)
    control = lab.measured(80.0, **KNOWN, key=HARNESS)
    number = lab.measured(64.0, **PASS, key=HARNESS)
    assert lab.refusal(lambda: lab.verdict(row, number)) == (
        "control: run the control first: known_rate on the harness of the evidence",
    )
    assert lab.refusal(lambda: lab.verdict(free, number, control=control)) == (
        "control: the criterion asks for no control",
    )
    assert lab.refusal(lambda: lab.verdict(row, number, control=control)) == ()


def test_what_is_no_measurement_and_what_came_after(lab):
    """A note is no control, nor is a number that came after the evidence."""
    row, number = asks(lab), lab.measured(64.0, **PASS, key=HARNESS)
    note, later = lab.note(), lab.measured(80.0, **KNOWN, key=HARNESS)
    said = lab.refusal(lambda: lab.verdict(row, number, control=note))
    assert said == ("control: its control is not a measurement of this ledger",)
    said = lab.refusal(lambda: lab.verdict(row, number, control=later))
    assert said == ("control: its control (position 7) came after the evidence",)


def test_a_note_for_evidence(lab):
    """Where the evidence is no measurement, no control is of its harness."""
    row = asks(lab, control_metric="pass_rate")
    control, number, note = lab.measured(80.0, **PASS), lab.measured(64.0, **PASS), lab.note()
    said = lab.refusal(lambda: lab.verdict(row, number, evidence=note, control=control))
    assert "control: its control ran on harness None, the evidence on None" in said


def test_the_same_thing_twice(lab):
    """A number is no control of itself, nor is an earlier number about the same thing."""
    row = asks(lab, control_metric="pass_rate", control_low=60, control_high=90)
    first = lab.measured(63.0, **PASS, key=HARNESS)
    number = lab.measured(64.0, **PASS, key=HARNESS)
    said = lab.refusal(lambda: lab.verdict(row, number, control=number))
    assert said == ("control: the evidence is no control of itself",)
    said = lab.refusal(lambda: lab.verdict(row, number, control=first))
    assert said == (
        "control: its control measured the same thing as the evidence: nothing was known of it",
    )


def test_an_evidence_without_a_harness(lab):
    """Where the evidence does not say what ran it, no control can be of the same harness."""
    row = asks(lab)
    control = lab.measured(80.0, **KNOWN, key=HARNESS)
    number = lab.measured(64.0, **PASS)
    said = lab.refusal(lambda: lab.verdict(row, number, control=control))
    assert said == ("control: its control ran on harness 'runner-1', the evidence on None",)


@settings(max_examples=10)
@given(score=st.floats(70, 90), low=st.floats(70, 80), width=st.floats(0, 10))
def test_a_control_lies_where_it_is_known_to(score, low, width):
    """The control vouches where its score lies between the two limits, both included."""
    with a_lab() as lab:
        row = asks(lab, control_low=low, control_high=low + width)
        control = lab.measured(score, **KNOWN, key=HARNESS)
        number = lab.measured(64.0, **PASS, key=HARNESS)
        said = lab.refusal(lambda: lab.verdict(row, number, control=control))
        assert (said == ()) == (low <= score <= low + width)
