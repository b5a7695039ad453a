"""The rule on verdicts that change nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab


def test_the_same_again(lab):
    """The status that a row has already is not given again by the same declaration."""
    row = lab.row()
    lab.verdict(row, lab.measured(2.0))
    again = lab.measured(1.9)
    assert lab.refusal(lambda: lab.verdict(row, again)) == (
        "no_change: it is DISCHARGED since position 5; saying so again changes nothing",
    )


def test_the_same_by_another_declaration(lab):
    """A row declared anew is judged anew, though the status be the same."""
    row = lab.row()
    number = lab.measured(2.0)
    lab.verdict(row, number)
    stricter = lab.row(supersedes=row, threshold=2.5)
    assert lab.refusal(lambda: lab.verdict(stricter, number)) == ()


def test_the_same_after_its_evidence_fell(lab):
    """Where the evidence was refuted, or its run marked, the same status says something new."""
    row, run = lab.row(), lab.begin()
    lab.verdict(row, lab.number(run, 2.0))
    lab.mark(run)
    wrong = lab.measured(2.1)
    assert lab.refusal(lambda: lab.verdict(row, wrong)) == ()
    lab.refute(wrong, lab.measured(2.9, metric="loss_recomputed"))
    good = lab.measured(2.2)
    assert lab.refusal(lambda: lab.verdict(row, good)) == ()


def test_post_hoc_verdicts_have_a_room_of_their_own(lab):
    """A post hoc verdict is not given twice either, and does not count as the row's own."""
    strict = lab.row(threshold=2.0)
    seen = lab.measured(2.7)
    lab.verdict(strict, seen)
    lax = lab.row(supersedes=strict, threshold=2.8, seen=seen)
    assert lab.refusal(lambda: lab.verdict(lax, seen)) == ()
    (said,) = lab.refusal(lambda: lab.verdict(lax, seen))
    assert said.startswith("no_change: it is DISCHARGED since position 7")


@settings(max_examples=10)
@given(values=st.lists(st.sampled_from([1.0, 2.0, 5.0, 6.0]), min_size=1, max_size=7))
def test_only_changes_are_recorded(values):
    """Of any numbers in turn, a verdict is accepted where its status differs from the last."""
    with a_lab() as lab:
        row, last = lab.row(), "unbound"
        for value in values:
            status = "DISCHARGED" if value <= 3 else "FALSIFIED"
            number = lab.measured(value)
            said = lab.refusal(lambda number=number: lab.verdict(row, number))
            assert (said == ()) == (status != last)
            last = status
