"""The rule on refutations."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import HUMAN
from zoo_base import a_lab


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda lab: lab.note(), "(note.added) is not a measurement"),
        (lambda lab: lab.row(), "(criterion.declared) is not a measurement"),
        (lambda lab: lab.claim(), "(claim.stated) is not a measurement"),
        (
            lambda lab: lab.number(None, 1.0, provenance="asserted", actor=HUMAN),
            "is asserted, not measured",
        ),
        (lambda lab: lab.measured(1.0, provenance="synthetic"), "is synthetic, not measured"),
    ],
)
def test_words_refute_nothing(lab, make, says):
    """A note, a claim, a demand or a typed number takes nothing away."""
    number, against = lab.measured(8.0), make(lab)
    (said,) = lab.refusal(lambda: lab.refute(number, against))
    assert said.startswith("refutation: ")
    assert says in said


def test_numbers_tests_and_marks_refute(lab):
    """A measured number, a test, a verdict, and the mark of the entry's own run do."""
    lab.claim()
    row, run = lab.row(), lab.begin()
    of_run, other = lab.number(run, 1.0), lab.measured(8.0)
    found = [lab.attack("H-1", other), lab.verdict(row, other), lab.mark(run)]
    assert lab.refusal(lambda: lab.refute(of_run, found[2])) == ()
    numbers = [lab.measured(9.0) for _ in range(3)]
    for number, against in zip(numbers, (lab.measured(3.0), *found[:2]), strict=True):
        assert lab.refusal(lambda n=number, a=against: lab.refute(n, a)) == ()


def test_itself_and_twice(lab):
    """An entry does not refute itself, and falls once."""
    number, other = lab.measured(8.0), lab.measured(2.0)
    assert lab.refusal(lambda: lab.refute(number, number)) == (
        "refutation: an entry does not refute itself",
    )
    lab.refute(number, other)
    (said,) = lab.refusal(lambda: lab.refute(number, other))
    assert said.endswith("is refuted already")


def test_by_what_was_refuted_itself(lab):
    """What fell takes nothing else away, be it a number or a test."""
    lab.claim()
    number, wrong = lab.measured(8.0), lab.measured(2.0)
    test = lab.attack("H-1", lab.measured(7.0))
    for fallen in (wrong, test):
        lab.refute(fallen, lab.measured(5.0))
    (said,) = lab.refusal(lambda: lab.refute(number, wrong))
    assert said.endswith("was refuted")
    (said,) = lab.refusal(lambda: lab.refute(number, test))
    assert said.endswith("was refuted itself")


def test_by_the_same_thing_measured(lab):
    """A number of the same thing refutes if it is another one, and came later."""
    older, number, equal = lab.measured(2.0), lab.measured(8.0), lab.measured(8.0)
    again = lab.measured(2.1)
    assert lab.refusal(lambda: lab.refute(number, older)) == (
        "refutation: position 2 is the older of two such numbers: measure again",
    )
    assert lab.refusal(lambda: lab.refute(number, equal)) == (
        "refutation: position 8 measured the same number again: that refutes nothing",
    )
    assert lab.refusal(lambda: lab.refute(number, again)) == ()


def test_by_a_mark(lab):
    """A mark counts for the numbers of its own run, and while it stands."""
    run = lab.begin()
    number = lab.number(run, 1.0)
    mark, other = lab.mark(run), lab.measured(8.0)
    assert lab.refusal(lambda: lab.refute(other, mark)) == (
        "refutation: it does not rest on run train-0001, which was marked",
    )
    lab.mark(run, "SOUND")
    assert lab.refusal(lambda: lab.refute(number, mark)) == ("refutation: run train-0001 is sound",)


def test_nothing_new_rests_on_it(lab):
    """A verdict or claim that cites a refuted number is refused; a note may speak of it."""
    row, number = lab.row(), lab.measured(2.0)
    lab.refute(number, lab.measured(8.0, metric="m"))
    said = lab.refusal(lambda: lab.verdict(row, number))
    assert [line.partition(":")[0] for line in said] == ["provenance", "refutation"]
    assert lab.refusal(lambda: lab.note(cites=(number,))) == ()


@settings(max_examples=10)
@given(fallen=st.sets(st.integers(0, 3)), cited=st.sets(st.integers(0, 3)))
def test_exactly_what_fell_is_named(fallen, cited):
    """A claim is refused for each refuted number that it cites, and for no other."""
    with a_lab() as lab:
        numbers, against = [lab.measured(float(n)) for n in range(4)], lab.measured(9.0)
        for n in sorted(fallen):
            lab.refute(numbers[n], against)
        said = lab.refusal(lambda: lab.claim(cites=[numbers[n] for n in sorted(cited)]))
        assert len(said) == len(fallen & cited)
        assert all(line.startswith("refutation: it rests on ") for line in said)
