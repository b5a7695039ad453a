"""The rule on marks of runs."""

from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import EXECUTOR, HUMAN
from zoo_base import a_lab
from zoo_lab import AGENT


def test_a_mark_says_what_saw_it_and_where(lab):
    """A mark names a monitor and positions of the run."""
    before = lab.position()
    run = lab.begin()
    lab.number(run, 1.0)
    assert lab.refusal(lambda: lab.mark(run, monitor=None)) == (
        "marks: no monitor is named: what says that train-0001 is INVALID?",
    )
    assert lab.refusal(lambda: lab.mark(run, positions=[])) == (
        "marks: no events are named: where does constant-loss see it?",
    )
    assert lab.refusal(lambda: lab.mark(run, positions=[before])) == (
        "marks: all of it was before train-0001 began (position 1)",
    )
    assert lab.refusal(lambda: lab.mark(run, "SUSPECT", positions=[before, before + 1])) == ()
    assert lab.refusal(lambda: lab.mark(run, actor=AGENT)) == ()


def test_the_same_mark_again(lab):
    """A mark that stands is not given again; a graver one is."""
    run = lab.begin()
    lab.mark(run, "SUSPECT")
    assert lab.refusal(lambda: lab.mark(run, "SUSPECT")) == (
        "marks: train-0001 is SUSPECT since position 2",
    )
    assert lab.refusal(lambda: lab.mark(run)) == ()


def test_sound_is_a_persons_word(lab):
    """Only a person takes a mark back, and only where there is one."""
    run = lab.begin()
    assert lab.refusal(lambda: lab.mark(run, "SOUND")) == (
        "marks: train-0001 has no mark to take back",
    )
    lab.mark(run)
    for actor in (AGENT, EXECUTOR):
        assert lab.refusal(lambda a=actor: lab.mark(run, "SOUND", actor=a)) == (
            f"marks: only a person calls a marked run sound, not {actor}",
        )
    assert lab.refusal(lambda: lab.mark(run, "SOUND")) == ()
    assert lab.refusal(lambda: lab.mark(run, "SOUND")) == (
        "marks: train-0001 has no mark to take back",
    )


@settings(max_examples=15)
@given(
    marks=st.lists(
        st.tuples(
            st.sampled_from(["INVALID", "SUSPECT", "SOUND"]), st.sampled_from([HUMAN, AGENT])
        ),
        max_size=6,
    )
)
def test_a_mark_is_accepted_where_it_changes_something(marks):
    """Each mark differs from the one before, and SOUND is a person's answer to one."""
    with a_lab() as lab:
        run, now = lab.begin(), "SOUND"
        for mark, actor in marks:
            said = lab.refusal(lambda m=mark, a=actor: lab.mark(run, m, actor=a))
            wanted = mark != now and (mark != "SOUND" or actor == HUMAN)
            assert (said == ()) == wanted
            now = mark if wanted else now
