"""The rule on premises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import START_US
from zoo_base import HOUR_US, a_lab

CLAIM = "claim.moved"


def replaced(lab, stated):
    """Another claim takes its place."""
    lab.move("H-1", "UNKNOWN", "SUPERSEDED", lab.claim("H-9"), kind=CLAIM)
    return stated


def retracted(lab, stated):
    """It is withdrawn."""
    lab.move("H-1", "UNKNOWN", "RETRACTED", lab.note(), kind=CLAIM)
    return stated


def refuted(lab, stated):
    """A number contradicts it."""
    lab.attack("H-1", lab.measured(8.0))
    return stated


def eliminated(lab, stated):
    """It was refuted by a test that comes out the other way."""
    test = lab.attack("H-1", lab.measured(8.0), other_way=lab.measured(1.0))
    lab.move("H-1", "REFUTED", "ELIMINATED", test, kind=CLAIM)
    return stated


def cited_by_test(lab, _):
    """What is cited is the test that refuted it."""
    return lab.attack("H-1", lab.measured(8.0))


@pytest.mark.parametrize("fell", [replaced, retracted, refuted, eliminated, cited_by_test])
def test_a_claim_that_fell(lab, fell):
    """Whoever cites it is refused, and told its fate."""
    cited = fell(lab, lab.claim())
    (said,) = lab.refusal(lambda: lab.claim("H-2", cites=(cited,)))
    assert said.startswith("premises: its premise fell: H-1 (position ")


def test_what_may_speak_of_it(lab):
    """A note, a refutation and a test of the claim itself may cite a claim that fell."""
    stated = refuted(lab, lab.claim())
    assert lab.refusal(lambda: lab.note(cites=(stated,))) == ()
    number = lab.measured(9.0)
    assert lab.refusal(lambda: lab.attack("H-1", number, cites=(number, stated))) == ()
    assert lab.refusal(lambda: lab.refute(stated, number)) == ()


def test_an_unknown_claim_is_a_premise(lab):
    """What nobody attacked yet can be rested on: it is a hypothesis, and says so."""
    stated = lab.claim()
    assert lab.refusal(lambda: lab.claim("H-2", cites=(stated,))) == ()


def test_tested_again(lab):
    """A claim that ran out is a premise again once it was tested, for as long as the test says."""
    soon = START_US + HOUR_US
    stated = lab.claim(expires_at=soon)
    lab.note()
    (said,) = lab.refusal(lambda: lab.claim("H-2", cites=(stated,)))
    assert said.endswith("ran out 0 days ago: test it again, then cite the test")
    test = lab.attack("H-1", lab.measured(2.0), other_way=lab.measured(9.0), expires_at=soon * 2)
    assert lab.refusal(lambda: lab.claim("H-2", cites=(stated, test))) == ()


def test_the_premise_of_a_demand(lab):
    """A row is not DISCHARGED on a claim that fell, cited by its declaration or its evidence."""
    stated = lab.claim()
    row = lab.row(cites=(stated,))
    plain, number = lab.row("PLAIN"), lab.measured(2.0, cites=(stated,))
    other = lab.measured(2.1)
    refuted(lab, stated)
    for declaration, evidence in ((row, other), (plain, number)):
        said = lab.refusal(lambda d=declaration, e=evidence: lab.verdict(d, e))
        assert said == ("premises: its premise fell: H-1 (position 1) is REFUTED",)
    assert lab.refusal(lambda: lab.verdict(plain, other)) == ()
    bad = lab.measured(9.0)
    assert lab.refusal(lambda: lab.verdict(row, bad)) == (), "a failure needs no premise"


@settings(max_examples=10)
@given(hours=st.integers(0, 6))
def test_a_premise_lives_as_long_as_it_says(hours):
    """It is refused from the first moment after its end."""
    with a_lab() as lab:
        stated = lab.claim(expires_at=START_US + hours * HOUR_US)
        for _ in range(2):
            lab.note()
        at = START_US + 4 * HOUR_US  # the first entry, the claim, two notes, and this one
        said = lab.refusal(lambda: lab.claim("H-2", cites=(stated,)))
        assert bool(said) == (START_US + hours * HOUR_US < at)
