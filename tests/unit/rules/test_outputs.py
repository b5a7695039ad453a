"""The rule on outputs."""

from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab

A, B, C = ("sha256:" + digit * 64 for digit in "abc")


def make(lab, digest, given_, run=None):
    """What is said against an artifact."""
    return lab.refusal(
        lambda: lab.say(
            "artifact.made", artifact=f"A-{lab.position()}", digest=digest, size_bytes=1,
            run=run or lab.begin(), inputs=given_,
        )
    )  # fmt: skip


def test_an_output_that_is_an_input(lab):
    """The bytes of an input are no output, whatever its role."""
    assert make(lab, A, {"teacher": A}) == (
        "outputs: its bytes are those of its input teacher: nothing was made",
    )
    assert make(lab, A, {"teacher": B}) == ()


def test_one_file_in_two_roles(lab):
    """Two inputs are two files."""
    assert make(lab, A, {"teacher": B, "student": B}) == (
        "outputs: student and teacher are the same file",
    )


def test_what_the_run_was_given(lab):
    """An input of the run is not left out, nor replaced, to hide that nothing was made."""
    run = lab.begin(inputs={"teacher": A})
    assert make(lab, A, {}, run) == (
        "outputs: its bytes are those of teacher, which train-0001 was given: nothing was made",
    )
    assert make(lab, C, {"teacher": B}, run) == (
        "outputs: its input teacher is not the one that train-0001 was given",
    )
    assert make(lab, C, {"teacher": A}, run) == ()


@settings(max_examples=15)
@given(
    output=st.sampled_from([A, B, C]),
    inputs=st.dictionaries(st.sampled_from(["teacher", "student"]), st.sampled_from([A, B, C])),
)
def test_all_files_differ(output, inputs):
    """An artifact is accepted if and only if no two of its files are one."""
    with a_lab() as lab:
        files = [output, *inputs.values()]
        assert (make(lab, output, inputs) == ()) == (len(set(files)) == len(files))
