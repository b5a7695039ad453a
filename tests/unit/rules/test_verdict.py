"""The rule on verdicts."""

import math
import operator
from fractions import Fraction

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from labs import criterion
from ledgers import measurement

from ledger.events import find_kind
from ledger.events.form import completed, parse_body
from ledger.rules.verdict import decide, meets

ORDERED = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
FINITE = st.floats(-1e6, 1e6) | st.integers(-1000, 1000)


def demand(**changes):
    """A declaration as an event."""
    kind = find_kind("criterion.declared")
    return parse_body(kind, completed(kind, criterion("A", **changes)))


def number(value, unit="nats", **key):
    """A measurement as an event."""
    return attrs.evolve(measurement("train-0001", value).event, unit=unit, key=key)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("status", "DISCHARGED"), ("metric", "loss_best"), ("value", 1.0), ("operator", "<"),
        ("threshold", 9.0), ("unit", "bits"), ("noise", 2.0), ("samples", 164),
        ("interval", (1.0, 2.0)), ("seen", "sha256:" + "1" * 64),
    ],
)  # fmt: skip
def test_a_field_that_is_typed(lab, field, typed):
    """Each field of a verdict is what the numbers give."""
    row, evidence = lab.row(), lab.measured(4.0)
    said = lab.refusal(lambda: lab.verdict(row, evidence, **{field: typed}))
    assert any(line.startswith(f"verdict: {field} is {typed!r}; the numbers give") for line in said)


def test_true_is_not_one(lab):
    """A truth value in the place of the number 1 is another value."""
    row = lab.row(operator="==", threshold=1, unit="count")
    evidence = lab.measured(1, unit="count")
    assert lab.refusal(lambda: lab.verdict(row, evidence, threshold=True)) == (
        "verdict: threshold is True; the numbers give 1",
    )


def test_the_declaration_in_force(lab):
    """A verdict is by the head of the row it names, which somebody declared."""
    first, evidence = lab.row(), lab.measured(9.0)
    lab.row(supersedes=first, threshold=2.0)
    said = lab.refusal(lambda: lab.verdict(first, evidence))
    assert "verdict: the declaration in force is at position 5, the verdict names another" in said
    said = lab.refusal(lambda: lab.verdict(first, evidence, criterion="NONE"))
    assert "verdict: there is no criterion NONE: declare it first" in said


def test_what_it_goes_by(lab):
    """Evidence is a measurement; declaration and evidence are cited."""
    row, evidence, note = lab.row(), lab.measured(2.0), lab.note()
    said = lab.refusal(lambda: lab.verdict(row, evidence, evidence=note, cites=(row, note)))
    assert "verdict: its evidence is not a measurement of this ledger" in said
    said = lab.refusal(lambda: lab.verdict(row, evidence, cites=(row,)))
    assert said == ("verdict: a verdict cites its declaration and its evidence",)


@pytest.mark.parametrize(
    ("value", "status"), [(2.0, "DISCHARGED"), (3.0, "DISCHARGED"), (3.1, "FALSIFIED")]
)
def test_what_the_numbers_give_is_recorded(lab, value, status):
    """The verdict that follows is accepted."""
    row, evidence = lab.row(), lab.measured(value)
    assert lab.event(lab.verdict(row, evidence)).status == status


def test_the_seed_systems_score():
    """141 of 164 with an allowance of 1.2 points: met at 86, and its interval is Wilson's."""
    row = demand(operator=">=", threshold=86.0, unit="percent", noise=1.2)
    given_ = decide(row, number(85.97560975609755, "percent", n=164))
    assert given_["status"] == "DISCHARGED"
    low, high = given_["interval"]
    assert (round(low, 2), round(high, 2)) == (79.83, 90.47)


@given(
    value=FINITE, threshold=FINITE, sign=st.sampled_from([*ORDERED, "==", "!="]),
    n=st.none() | st.integers(1, 500), asked=st.none() | st.integers(1, 500),
)  # fmt: skip
def test_decide_is_what_anyone_would_compute(value, threshold, sign, n, asked):
    """Status by a naive comparison in exact numbers; too few samples make it PROVISIONAL."""
    row = demand(operator=sign, threshold=threshold, samples=asked)
    found = decide(row, number(value, **({} if n is None else {"n": n})))
    a, b = Fraction(value), Fraction(threshold)
    met = {**ORDERED, "==": operator.eq, "!=": operator.ne}[sign](a, b)
    enough = asked is None or (n is not None and n >= asked)
    assert found["status"] == (
        "FALSIFIED" if not met else "DISCHARGED" if enough else "PROVISIONAL"
    )
    assert (found["samples"], found["value"], found["threshold"]) == (n, value, threshold)


@given(value=FINITE, threshold=FINITE, noise=st.floats(0, 100), sign=st.sampled_from(list(ORDERED)))
def test_an_allowance_only_helps(value, threshold, noise, sign):
    """A value that meets a demand meets it with an allowance; one beyond the allowance does not."""
    plain, wide = (demand(operator=sign, threshold=threshold, noise=n) for n in (None, noise))
    assert meets(wide, number(value)) or not meets(plain, number(value))
    wrong = threshold - value if sign in (">=", ">") else value - threshold
    assume(wrong > noise + 1e-3)
    assert not meets(wide, number(value))


@given(solved=st.integers(0, 300), n=st.integers(1, 300))
def test_the_interval_holds_the_share(solved, n):
    """Wilson's interval lies in [0, 100], holds the share, and solves its quadratic equation."""
    assume(solved <= n)
    row = demand(operator=">=", threshold=0, unit="percent")
    low, high = decide(row, number(100 * solved / n, "percent", n=n))["interval"]
    share = solved / n
    assert 0 <= low <= 100 * share + 1e-6
    assert 100 * share - 1e-6 <= high <= 100
    for bound in (low / 100, high / 100):
        if 0 < bound < 1:
            distance = abs(bound - share) / math.sqrt(bound * (1 - bound) / n)
            assert distance == pytest.approx(1.959963984540054, abs=1e-4)
