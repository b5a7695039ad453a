"""The rule on attempts to refute a claim."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab

from ledger.rules.attempts import outcome


def test_a_claim_survives_what_could_have_refuted_it(lab):
    """With a planted fault that comes out the other way, the claim survives."""
    lab.claim()
    good, fault = lab.measured(2.0), lab.measured(9.0)
    assert lab.refusal(lambda: lab.attack("H-1", good, other_way=fault)) == ()


def test_a_claim_is_refuted_without_more(lab):
    """A number that contradicts it is enough."""
    lab.claim()
    number = lab.measured(9.0)
    assert lab.refusal(lambda: lab.attack("H-1", number)) == ()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"metric": "m"}, "metric is 'm'; the evidence has 'loss_final'"),
        ({"unit": "bits"}, "unit is 'bits'; the evidence has 'nats'"),
        ({"value": 1.0}, "value is 1.0; the evidence has 9.0"),
        ({"outcome": "SURVIVED"}, "outcome is SURVIVED; the number gives REFUTED"),
        ({"cites": ()}, "a test cites its evidence"),
        ({"member": "code"}, "H-1 is about one thing, not a member of a set"),
    ],
)
def test_a_field_that_is_typed(lab, typed, says):
    """What the number gives is not typed otherwise."""
    lab.claim()
    number = lab.measured(9.0)
    assert f"attempts: {says}" in lab.refusal(lambda: lab.attack("H-1", number, **typed))


def test_true_is_not_one(lab):
    """The value is the evidence's, type and all."""
    lab.claim()
    number = lab.measured(1, unit="count")
    said = lab.refusal(lambda: lab.attack("H-1", number, ">", 5, value=True))
    assert said == ("attempts: value is True; the evidence has 1",)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"value": 9.0, "metric": "gap"}, "its other_way measures gap in nats"),
        ({"value": 9.0, "unit": "bits"}, "its other_way measures loss_final in bits"),
        ({"value": 1.0}, "its other_way (1.0) comes out SURVIVED too"),
        ({"value": "NaN"}, "its other_way (NaN) cannot be held against 3.0"),
        ({"value": "broken"}, "its other_way (broken) cannot be held against 3.0"),
        ({"value": True}, "its other_way (True) cannot be held against 3.0"),
    ],
)
def test_an_other_way_that_is_none(lab, other, says):
    """The planted fault is measured by the same test, as a number, and fails it."""
    lab.claim()
    good, fault = lab.measured(2.0), lab.measured(**other)
    assert f"attempts: {says}" in lab.refusal(lambda: lab.attack("H-1", good, other_way=fault))


def test_no_other_way(lab):
    """Without one, the test could not have failed."""
    lab.claim()
    good = lab.measured(2.0)
    (said,) = lab.refusal(lambda: lab.attack("H-1", good))
    assert said.startswith("attempts: nothing shows that this test could have failed")


def test_what_is_no_measurement_and_is_not_cited(lab):
    """Both sides are measurements of this ledger, and are cited."""
    lab.claim()
    good, fault, note = lab.measured(2.0), lab.measured(9.0), lab.note()
    said = lab.refusal(lambda: lab.attack("H-1", good, other_way=note))
    assert "attempts: its other_way is not a measurement of this ledger" in said
    said = lab.refusal(lambda: lab.attack("H-1", good, evidence=note))
    assert "attempts: its evidence is not a measurement of this ledger" in said
    said = lab.refusal(lambda: lab.attack("H-1", good, other_way=fault, cites=(good,)))
    assert said == ("attempts: a test cites its other_way",)


def test_a_number_from_before_the_claim(lab):
    """A claim stated after its number can be refuted by it, and not survive it."""
    good, bad, fault = lab.measured(2.0), lab.measured(9.0), lab.measured(8.0)
    lab.claim()
    (said,) = lab.refusal(lambda: lab.attack("H-1", good, other_way=fault))
    assert said.startswith("attempts: position 2 was on record before H-1 was stated")
    assert lab.refusal(lambda: lab.attack("H-1", bad)) == ()


def test_a_claim_over_a_set(lab):
    """A test says which member it tested, and that it is one."""
    lab.say("member.added", set="S", member="a", title="one")
    lab.claim(over="S")
    number = lab.measured(9.0)
    (said,) = lab.refusal(lambda: lab.attack("H-1", number))
    assert said == "attempts: H-1 is about the set S: say which member was tested"
    (said,) = lab.refusal(lambda: lab.attack("H-1", number, member="b"))
    assert said == "attempts: b is no member of S: `member.added` makes it one"
    assert lab.refusal(lambda: lab.attack("H-1", number, member="a")) == ()


def test_a_refuted_claim_does_not_survive_later(lab):
    """Only what takes the refutation away opens the claim again."""
    lab.claim()
    lab.attack("H-1", lab.measured(9.0))
    good, fault = lab.measured(2.0), lab.measured(8.0)
    assert lab.refusal(lambda: lab.attack("H-1", good, other_way=fault)) == (
        "attempts: H-1 is REFUTED: only what takes that away opens it again (entry.refuted)",
    )


@settings(max_examples=15)
@given(
    value=st.sampled_from([1, 2, 3]),
    other=st.none() | st.sampled_from([1, 2, 3]),
    sign=st.sampled_from(["<", "<=", "==", ">=", ">", "!="]),
)
def test_a_test_is_accepted_where_it_could_have_failed(value, other, sign):
    """REFUTED always (unless its other way is none), SURVIVED with another way alone."""
    with a_lab() as lab:
        lab.claim()
        number = lab.measured(value)
        fault = None if other is None else lab.measured(other)
        said = lab.refusal(lambda: lab.attack("H-1", number, sign, 2, other_way=fault))
        here = outcome(value, sign, 2)
        assert here == ("SURVIVED" if eval(f"{value} {sign} 2") else "REFUTED")  # noqa: S307
        is_other = other is not None and outcome(other, sign, 2) != here
        assert (said == ()) == (is_other or (other is None and here == "REFUTED"))
