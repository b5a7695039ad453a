"""The rule on provenance."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import EXECUTOR, HUMAN
from zoo_base import a_lab


def refused(lab, number, **row):
    """What is said against a verdict by this number."""
    declaration = lab.row(row.pop("criterion", "LOSS"), **row)
    return "\n".join(lab.refusal(lambda: lab.verdict(declaration, number)))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda lab: lab.number(None, 2.0, provenance="asserted", actor=HUMAN),
            "is asserted, not measured",
        ),
        (lambda lab: lab.measured(2.0, provenance="synthetic"), "is synthetic, not measured"),
        (
            lambda lab: lab.measured(2.0, facts={"provenance": "synthetic"}),
            "was started as synthetic",
        ),
        (lambda lab: lab.number("train-0099", 2.0), "which this ledger has no start of"),
        (
            lambda lab: lab.number(lab.begin(), 2.0, actor="executor:other"),
            "was recorded by executor:other; run train-0001 is executor:train's",
        ),
        (lambda lab: lab.measured(2.0, provenance="derived"), "cites nothing it came from"),
    ],
)
def test_numbers_that_carry_nothing(lab, make, says):
    """A number that was not measured by its run gives no verdict."""
    assert says in refused(lab, make(lab))


def test_outside_its_run(lab):
    """A number recorded after the end of its run is none of it."""
    run = lab.begin()
    lab.end(run)
    assert "lies outside run train-0001" in refused(lab, lab.number(run, 2.0))


def test_a_run_that_failed_or_was_marked(lab):
    """What a failed or marked run measured carries nothing."""
    run = lab.begin()
    number = lab.number(run, 2.0)
    lab.mark(run, "SUSPECT")
    assert "run train-0001 was marked SUSPECT" in refused(lab, number)
    other = lab.begin()
    number = lab.number(other, 2.0)
    lab.say("run.failed", actor=EXECUTOR, run=other, wall_ms=1, error="E", reason="no memory")
    assert "run train-0002 failed" in refused(lab, number, criterion="B")


def test_a_mark_taken_back_by_a_person(lab):
    """A run that a person called sound again measures."""
    run = lab.begin()
    number = lab.number(run, 2.0)
    lab.mark(run)
    lab.mark(run, "SOUND")
    assert refused(lab, number) == ""


def test_terms_of_the_criterion(lab):
    """A criterion can ask for measured numbers alone, and for what they rest on."""
    base = lab.measured(2.0)
    run = lab.begin()
    number = lab.number(run, 2.0, provenance="derived", cites=(base,))
    said = refused(lab, number, provenance=["measured"])
    assert said == "provenance: position 5 is derived, asked for ['measured']"
    said = refused(lab, number, criterion="B", rests_on=["trace.captured"])
    assert said == ("provenance: position 5 cites no trace.captured, which the criterion asks for")
    assert refused(lab, number, criterion="C", rests_on=["measurement.taken"]) == ""


@pytest.mark.parametrize("side", ["evidence", "other_way"])
def test_both_numbers_of_a_test(lab, side):
    """Neither side of a test of a claim may be typed."""
    lab.claim()
    typed = {"provenance": "asserted", "actor": HUMAN}
    good = lab.number(None, 2.0, **typed) if side == "evidence" else lab.measured(2.0)
    fault = lab.number(None, 9.0, **typed) if side == "other_way" else lab.measured(9.0)
    said = lab.refusal(lambda: lab.attack("H-1", good, other_way=fault))
    at = "other_way: " if side == "other_way" else ""
    assert [line for line in said if line.startswith(f"provenance: {at}position")]


@settings(max_examples=10)
@given(chain=st.lists(st.sampled_from(["derived", "derived", "synthetic"]), max_size=8))
def test_one_made_up_number_spoils_what_derives_from_it(chain):
    """A chain of derivations carries a verdict where no link of it is synthetic."""
    with a_lab() as lab:
        row, run = lab.row(), lab.begin()
        number = lab.number(run, 2.0)
        for provenance in chain:
            number = lab.number(run, 2.0, provenance=provenance, cites=(number,))
        said = lab.refusal(lambda: lab.verdict(row, number))
        assert bool(said) == ("synthetic" in chain)
