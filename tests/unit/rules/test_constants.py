"""The rule on constants."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.rules.constants import compute

FUNCTIONS = {
    "ln": math.log, "log2": math.log2, "log10": math.log10, "exp": math.exp, "sqrt": math.sqrt,
}  # fmt: skip
NUMBERS = st.integers(0, 10**6) | st.floats(0, 1e6).filter(lambda x: "e" not in repr(x))


def formulas():
    """Formulas of the grammar, fully bracketed."""

    def wider(inner):
        two = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner)
        call = st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner)
        return (
            two.map(lambda t: f"({t[0]}{t[1]}{t[2]})")
            | call.map(lambda t: f"{t[0]}({t[1]})")
            | inner.map(lambda t: f"(-{t})")
        )

    return st.recursive(NUMBERS.map(repr), wider, max_leaves=5).filter(lambda t: len(t) <= 200)


def declare(lab, formula, value, unit):
    """What is said against a constant."""
    name = f"K-{lab.position()}"
    return lab.refusal(
        lambda: lab.say("constant.declared", constant=name, formula=formula, value=value, unit=unit)
    )


@pytest.mark.parametrize(
    ("formula", "value", "unit"),
    [
        ("ln(50257)", 10.825, "nats"),
        ("log2(151643)", 17.21, "bits"),
        ("ln(8)/ln(2)", 3.0, "bits"),
        ("2*ln(8)", 4.158, "nats"),
        ("ln(8)+ln(4)", 3.4657, "nats"),
        ("-log10(1000)", -3, "dits"),
        ("7*18944", 132608, "count"),
        ("494032768", 4.94e8, "count"),
        ("exp(1)", 2.718, "ratio"),
        ("18944*3584/256*144", 38191104, "bytes"),
    ],
)
def test_what_the_formula_gives(lab, formula, value, unit):
    """The value to its digits, in the unit of its logarithm."""
    assert declare(lab, formula, value, unit) == ()


@pytest.mark.parametrize(
    ("formula", "value", "unit", "says"),
    [
        ("ln(151643)", 17.21, "nats", "is 11.9293, not 17.21; that is log2(151643) in bits"),
        ("ln(50257)", 10.825, "bits", "ln(50257) is in nats, not bits"),
        ("(ln(50257))", 10.825, "bits", "is in nats, not bits"),
        ("ln(50257)*1", 10.825, "bits", "is in nats, not bits"),
        ("ln(9)-ln(3)", 1.0986, "bits", "is in nats, not bits"),
        ("7*18944", 132600, "count", "7*18944 is 132608, not 132600"),
        ("2+2", 5.0, "count", "2+2 is 4, not 5.0"),
        ("ln(0)", 1.0, "nats", "'ln(0)' has no value"),
        ("1/0", 1.0, "ratio", "'1/0' has no value"),
        ("(-1)**0.5", 1.0, "ratio", "has no value"),
        ("9.0**9.0**9.0", 1.0, "ratio", "has no value"),
        ("1e308*10", 1.0, "ratio", "is not finite"),
        ("", 1.0, "ratio", "'' is no formula"),
        ("2 +", 1.0, "ratio", "is no formula"),
        ("abs(2)", 2.0, "ratio", "'abs(2)' cannot stand in a formula"),
        ("True", 1.0, "ratio", "'True' cannot stand in a formula"),
        ("ln(2, 3)", 1.0, "nats", "cannot stand in a formula"),
        ("__import__('os')", 1.0, "ratio", "cannot stand in a formula"),
        ("1" + "+1" * 100, 101.0, "count", "a formula has at most 200 characters"),
    ],
)
def test_what_it_does_not_give(lab, formula, value, unit, says):
    """A wrong value or unit, or a formula that is none, is refused with what is right."""
    (said,) = declare(lab, formula, value, unit)
    assert said.startswith("constants: ")
    assert says in said


@given(formula=formulas())
def test_a_formula_is_what_python_says(formula):
    """For any formula of the grammar: Python's own value, or an error where Python has none."""
    try:
        wanted = eval(formula, {"__builtins__": {}, **FUNCTIONS})  # noqa: S307
        known = float(wanted)
    except (ArithmeticError, ValueError, TypeError):
        known = math.nan
    if math.isfinite(known):
        assume(abs(known) < 1e300)
        try:
            found = compute(formula)
        except ValueError:
            # Python counts in whole numbers beyond what a float holds; a formula does not.
            assume(False)
        assert found == pytest.approx(known, rel=1e-9, abs=1e-12)
    else:
        with pytest.raises(ValueError, match=r"has no value|is not finite"):
            compute(formula)
