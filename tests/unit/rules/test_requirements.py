"""The rule on requirements."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab


@pytest.mark.parametrize("status", ["unbound", "FALSIFIED", "PROVISIONAL"])
def test_a_required_row_that_is_not_met(lab, status):
    """A row is not discharged while a row it requires is open, failed or provisional."""
    lab.row("FIRST", metric="m", samples=9)
    row, number = lab.row(requires=["FIRST"]), lab.measured(2.0)
    if status != "unbound":
        lab.measured(9.0 if status == "FALSIFIED" else 1.0, metric="m")
        lab.judge("FIRST")
    said = lab.refusal(lambda: lab.verdict(row, number))
    assert said == (f"requirements: LOSS requires FIRST ({status})",)


def test_a_failure_waits_for_nothing(lab):
    """A row can be falsified whatever it requires."""
    lab.row("FIRST", metric="m")
    row, number = lab.row(requires=["FIRST"]), lab.measured(9.0)
    assert lab.refusal(lambda: lab.verdict(row, number)) == ()


def test_a_required_row_whose_evidence_fell(lab):
    """A required row that stands on a refuted number, or a marked run, is not met any more."""
    lab.row("FIRST", metric="m")
    lab.row("SECOND", metric="m2")
    wrong, run = lab.measured(1.0, metric="m"), lab.begin()
    lab.number(run, 1.0, metric="m2")
    lab.judge()
    row, number = lab.row(requires=["FIRST", "SECOND"]), lab.measured(2.0)
    lab.refute(wrong, lab.measured(7.0, metric="m3"))
    lab.mark(run)
    (said,) = lab.refusal(lambda: lab.verdict(row, number))
    assert said.startswith("requirements: LOSS requires FIRST (DISCHARGED, but measurement.taken")
    assert "SECOND (DISCHARGED, but run train-0002 was marked INVALID at position" in said


def test_judged_again_after_its_evidence_fell(lab):
    """Once the required row has new evidence, one round judges both."""
    lab.row("FIRST", metric="m")
    wrong = lab.measured(1.0, metric="m")
    lab.judge()
    lab.row(requires=["FIRST"])
    lab.measured(2.0)
    lab.refute(wrong, lab.measured(7.0, metric="m3"))
    lab.measured(1.5, metric="m")
    assert {one.status for one in lab.judge().values()} == {"DISCHARGED"}


def test_a_circle(lab):
    """Rows that wait for each other are refused, over any number of steps."""
    head = lab.row("A")
    lab.row("B", requires=["A"])
    lab.row("C", requires=["B"])
    (said,) = lab.refusal(lambda: lab.row("A", supersedes=head, requires=["C"]))
    assert said == (
        "requirements: a circle that no row comes out of: A requires C requires B requires A"
    )


@settings(max_examples=10)
@given(
    met=st.sets(st.sampled_from("ABCD")),
    required=st.lists(st.sampled_from("ABCD"), unique=True, max_size=4),
)
def test_all_that_is_required(met, required):
    """A verdict is refused for exactly the required rows that are not met."""
    with a_lab() as lab:
        for name in "ABCD":
            lab.row(name, metric=f"m{name}")
            lab.measured(1.0 if name in met else 9.0, metric=f"m{name}")
        lab.judge()
        row, number = lab.row("Z", requires=required), lab.measured(2.0)
        said = lab.refusal(lambda: lab.verdict(row, number))
        missing = [f"{name} (FALSIFIED)" for name in required if name not in met]
        assert said == ((f"requirements: Z requires {', '.join(missing)}",) if missing else ())
