"""The rule on branches."""

from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab

NOWHERE = "sha256:" + "0" * 64


def merge(lab, name, head, **changes):
    """What is said against a merge."""
    around = {"cites": (head,)} | changes
    return lab.refusal(
        lambda: lab.say("branch.merged", name=name, head=head, reason="reviewed", **around)
    )


def test_a_merge_by_its_head(lab):
    """An entry of the branch, cited, merges it."""
    head = lab.note(branch="try/a")
    assert merge(lab, "try/a", head) == ()


def test_a_merge_that_is_none(lab):
    """The head is of that branch, cited, and the merge on the main line."""
    here, there, main = lab.note(branch="try/a"), lab.note(branch="try/b"), lab.note()
    assert merge(lab, "try/a", here, cites=()) == ("branches: it cites the head of the branch",)
    assert merge(lab, "try/a", there)[0].endswith("at position 2 is on branch try/b, not on try/a")
    assert merge(lab, "try/a", main)[0].endswith("at position 3 is on the main line, not on try/a")
    assert merge(lab, "try/a", here, branch="try/b") == (
        "branches: it is recorded on the main line, not on branch try/b",
    )
    assert [line.partition(":")[0] for line in merge(lab, "try/a", NOWHERE)] == ["citations"]


def test_an_import_is_not_typed(lab):
    """Entries come with their import."""
    said = lab.refusal(
        lambda: lab.say(
            "branch.imported", name="theirs", source="example.org/x", source_size=2,
            source_chain=NOWHERE, entries=1, head=NOWHERE,
        )
    )  # fmt: skip
    assert said == (
        "branches: it is recorded with the entries themselves, by `ledger merge` or `ledger "
        "import`",
    )


@settings(max_examples=10)
@given(
    lines=st.lists(st.sampled_from([None, "a", "b"]), min_size=1, max_size=5),
    pick=st.data(),
    name=st.sampled_from("ab"),
)
def test_a_head_is_on_its_branch(lines, pick, name):
    """A merge is accepted if and only if its head stands on the branch that it names."""
    with a_lab() as lab:
        heads = [lab.note(str(n), branch=line) for n, line in enumerate(lines)]
        at = pick.draw(st.integers(0, len(lines) - 1))
        assert (merge(lab, name, heads[at]) == ()) == (lines[at] == name)
