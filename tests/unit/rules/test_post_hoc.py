"""The rule on thresholds that move after a result."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import HUMAN
from zoo_base import a_lab

KNOWN = {"control_metric": "known", "control_low": 0, "control_high": 1}


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ({"threshold": 2.0}, {"threshold": 3.0}, {}),
        ({"threshold": 2.0, "noise": 0.1}, {"threshold": 2.0, "noise": 0.9}, {}),
        ({"operator": ">="}, {"operator": "<="}, {}),
        ({"samples": 100}, {"samples": 5}, {"n": 5}),
        ({"threshold": 2.0, "samples": 9}, {"threshold": 3.0, "samples": 9}, {"n": 3}),
        ({"provenance": ["derived"]}, {"provenance": ["measured"]}, {}),
        ({"rests_on": ["trace.captured"]}, {}, {}),
        (KNOWN, {}, {}),
        ({"requires": ["FIRST"]}, {}, {}),
    ],
    ids=["threshold", "noise", "operator", "samples", "provisional", "provenance", "rests_on",
         "control", "requires"],
)  # fmt: skip
def test_what_a_result_meets_better_than_before(lab, before, after, key):
    """Whatever is loosened, a result on record that now meets it must be named."""
    lab.row("FIRST", metric="m")
    head = lab.row(**before)
    seen = lab.measured(2.5, key={"model": "tiny4", **key})
    (said,) = lab.refusal(lambda: lab.row(supersedes=head, **after))
    assert said.startswith("post_hoc: position 4 meets ")
    assert f"name it in `seen` ({seen})" in said
    assert lab.refusal(lambda: lab.row(supersedes=head, seen=seen, **after)) == ()


def test_nothing_was_seen(lab):
    """Where no result tells the two demands apart, none may be named."""
    head = lab.row(threshold=2.0)
    other = lab.measured(7.0)
    assert lab.refusal(lambda: lab.row(supersedes=head, threshold=3.0, seen=other)) == (
        "post_hoc: seen: no result on record meets this demand but not the one before; leave it "
        "out",
    )
    assert lab.refusal(lambda: lab.row(supersedes=head, threshold=3.0)) == ()


def test_the_first_that_was_seen(lab):
    """It is the first such result that is named, asserted ones included, synthetic ones not."""
    head = lab.row(threshold=2.0)
    lab.measured(2.4, provenance="synthetic")
    said_so = lab.number(None, 2.5, provenance="asserted", actor=HUMAN)
    lab.measured(2.6)
    (said,) = lab.refusal(lambda: lab.row(supersedes=head, threshold=3.0))
    assert said_so in said


def test_a_new_requirement_hides_nothing(lab):
    """Asking besides for a row that is still open does not make a result unseen."""
    lab.row("FIRST", metric="m")
    head = lab.row(threshold=2.0)
    lab.measured(2.5)
    (said,) = lab.refusal(lambda: lab.row(supersedes=head, threshold=3.0, requires=["FIRST"]))
    assert said.startswith("post_hoc: position 4 meets <= 3.0 (requires FIRST) and did")


def test_the_strict_demand_stays(lab):
    """After a post hoc declaration, the next one is held against the strict demand, too."""
    strict = lab.row(threshold=2.0)
    seen = lab.measured(2.5)
    lax = lab.row(supersedes=strict, threshold=2.6, seen=seen)
    lab.verdict(lax, seen)
    assert lab.status() == "unbound"
    (said,) = lab.refusal(lambda: lab.row(supersedes=lax, threshold=2.7))
    assert "meets <= 2.7 and did not meet <= 2.0" in said


def test_a_branch_does_not_hide_the_strict_demand(lab):
    """A lax declaration merged from a branch is not what the next one is held against alone."""
    strict = lab.row(threshold=2.0)
    lax = lab.row(supersedes=strict, threshold=4.0, branch="try/a")
    lab.measured(3.5)
    lab.say("branch.merged", cites=(lax,), name="try/a", head=lax, reason="reviewed")
    said = lab.refusal(lambda: lab.row(supersedes=strict, threshold=4.0))
    assert any(line.startswith("post_hoc: position 4 meets <= 4.0") for line in said)


def test_a_result_of_a_branch(lab):
    """What was measured on a branch before the demand moved discharges only what it met then."""
    head = lab.row(threshold=2.0)
    run = lab.begin(branch="try/a")
    good, bad = (lab.number(run, value, branch="try/a") for value in (1.5, 2.5))
    lax = lab.row(supersedes=head, threshold=3.0)
    lab.say("branch.merged", cites=(bad,), name="try/a", head=bad, reason="reviewed")
    assert lab.refusal(lambda: lab.verdict(lax, bad)) == (
        "post_hoc: position 4 was measured before the demand moved, and did not meet <= 2.0: "
        "measure again",
    )
    assert lab.refusal(lambda: lab.verdict(lax, good)) == ()


@settings(max_examples=20)
@given(
    old=st.sampled_from([1.0, 2.0, 3.0]),
    new=st.sampled_from([1.0, 2.0, 3.0]),
    results=st.lists(st.sampled_from([0.5, 1.5, 2.5, 3.5]), max_size=4),
)
def test_seen_is_asked_for_where_a_result_tells_them_apart(old, new, results):
    """`seen` is required if and only if a result on record meets the new and not the old."""
    with a_lab() as lab:
        head = lab.row(threshold=old)
        for value in results:
            lab.measured(value)
        said = lab.refusal(lambda: lab.row(supersedes=head, threshold=new))
        assert bool(said) == any(old < value <= new for value in results)
