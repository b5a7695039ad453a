"""The rule on publication."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import EXECUTOR, START_US
from zoo_base import HOUR_US, a_lab

DIGEST, OTHER = "sha256:" + "5a" * 32, "sha256:" + "c3" * 32


def make(lab):
    """The artifact that is to be published; the hash of its entry."""
    run = lab.begin()
    return lab.say("artifact.made", artifact="A-1", digest=DIGEST, size_bytes=1, run=run, inputs={})


def publish(lab, **changes):
    """What is said against publishing it."""
    body = {"artifact": "A-1", "digest": DIGEST, "model": "tiny4", "place": "a hub"} | changes
    return lab.refusal(lambda: lab.say("artifact.published", **body))


def met(lab, **number):
    """A row that is DISCHARGED; its evidence."""
    lab.row()
    evidence = lab.measured(2.0, **number)
    lab.judge()
    return evidence


def test_every_blocking_row_is_met(lab):
    """With all of them DISCHARGED it goes out; rows that do not block may be open."""
    met(lab)
    lab.row("NICE", blocking=False, metric="m")
    make(lab)
    assert publish(lab) == ()


@pytest.mark.parametrize("status", ["unbound", "FALSIFIED", "PROVISIONAL", "BLOCKED", "DEMOTED"])
def test_a_row_that_is_open(lab, status):
    """Any other status of one blocking row holds it back."""
    met(lab)
    lab.row("GATE", metric="m", samples=9)
    key = {"key": {"model": "tiny4", "n": 9}} if status == "DEMOTED" else {}
    if status in ("FALSIFIED", "PROVISIONAL", "DEMOTED"):
        number = lab.measured(9.0 if status == "FALSIFIED" else 1.0, metric="m", **key)
        lab.judge()
    if status == "DEMOTED":
        fallen = lab.refute(number, lab.measured(5.0, metric="again"))
        lab.move("GATE", "DISCHARGED", status, fallen)
    if status == "BLOCKED":
        lab.claim()
        edge = lab.say(
            "edge.stated", edge="E", from_name="LOSS", relation="blocks", to_name="GATE",
            claim="H-1",
        )  # fmt: skip
        lab.move("GATE", "unbound", status, edge)
    make(lab)
    assert publish(lab) == (f"publication: GATE is {status}",)


def test_no_row_at_all_or_none_in_force(lab):
    """Something must be demanded of a model, and be met."""
    make(lab)
    assert publish(lab) == (
        "publication: no blocking row is declared for tiny4: nothing says what it must meet",
    )
    lab.row()
    lab.move("LOSS", "unbound", "RETIRED", lab.note())
    assert publish(lab) == (
        "publication: no blocking row of tiny4 is in force any more: nothing shows what it can do",
    )


def test_the_file_that_was_made_and_measured(lab):
    """The digest is the artifact's, and that of the model its rows were measured on."""
    met(lab, facts={"inputs": {"model": OTHER}})
    made = make(lab)
    assert publish(lab) == (
        f"publication: LOSS was measured on {OTHER}, which is not what is published",
    )
    assert publish(lab, digest=OTHER) == (
        f"publication: A-1 was made as {DIGEST} at position {lab.position()}",
    )
    lab.refute(made, lab.measured(1.0))
    assert any("that A-1 was made at position" in line for line in publish(lab))


def test_it_is_said_on_the_main_line(lab):
    """What is published is published for all."""
    met(lab)
    make(lab)
    assert publish(lab, branch="side") == (
        "publication: it is recorded on the main line, not on branch side",
    )


def refute(lab, evidence):
    """The number turned out wrong."""
    lab.refute(evidence, lab.measured(8.0, metric="again"))


def mark(lab, evidence):
    """A monitor marked the run."""
    lab.mark(lab.event(evidence).run)


def fail(lab, evidence):
    """The run failed in the end."""
    run = lab.event(evidence).run
    lab.say("run.failed", actor=EXECUTOR, run=run, wall_ms=1, error="E", reason="no disk")


def stricter(lab, _):
    """More is asked by now."""
    with lab.ledger.recorder.caught_up() as state:
        head = "sha256:" + state.standing("criterion/LOSS")[1].hex()
    lab.row(supersedes=head, threshold=1.0)


@pytest.mark.parametrize(
    ("falls", "says"),
    [
        (refute, "measurement.taken sha256:"),
        (mark, "run train-0001 was marked INVALID"),
        (fail, "run train-0001 failed"),
        (stricter, "its demand was declared anew"),
    ],
)
def test_a_row_that_stands_on_nothing_any_more(lab, falls, says):
    """DISCHARGED is not enough where what it rests on fell since, or more is asked."""
    falls(lab, met(lab))
    make(lab)
    (said,) = publish(lab)
    assert said.startswith("publication: LOSS is DISCHARGED, but ")
    assert says in said


def test_a_newer_number_that_fails(lab):
    """A verdict by an older number, recorded by hand, does not hide what was measured since."""
    evidence = met(lab)
    make(lab)
    lab.measured(1.8)
    lab.measured(7.0, provenance="synthetic")
    assert publish(lab) == ()
    lab.measured(7.5)
    at = lab.position() - 1
    assert publish(lab) == (
        f"publication: LOSS is DISCHARGED, but position {at} is newer, and 7.5 does not meet it: "
        "judge again",
    )
    lab.judge()
    assert publish(lab) == ("publication: LOSS is FALSIFIED",)
    with lab.ledger.recorder.caught_up() as state:
        head = "sha256:" + state.standing("criterion/LOSS")[1].hex()
    lab.verdict(head, evidence)
    (said,) = publish(lab)
    assert "is newer, and 7.5 does not meet it" in said


def test_a_premise_that_ran_out(lab):
    """Nor where a claim that the demand rests on has run out."""
    premise = lab.claim(expires_at=START_US + 20 * HOUR_US)
    lab.row(cites=(premise,))
    lab.measured(2.0)
    lab.judge()
    make(lab)
    assert publish(lab) == ()
    for _ in range(20):
        lab.note()
    (said,) = publish(lab)
    assert "its premise fell: H-1 (position 1) ran out" in said


@settings(max_examples=12)
@given(
    rows=st.lists(
        st.tuples(st.booleans(), st.sampled_from([1.0, 9.0, None])), min_size=1, max_size=4
    )
)
def test_published_if_and_only_if_all_are_met(rows):
    """Of any rows, exactly the blocking ones that are not met hold it back."""
    with a_lab() as lab:
        for n, (blocking, value) in enumerate(rows):
            lab.row(f"R{n}", blocking=blocking, metric=f"m{n}")
            if value is not None:
                lab.measured(value, metric=f"m{n}")
        lab.judge()
        make(lab)
        unmet = sum(blocking and value != 1.0 for blocking, value in rows)
        asked = sum(blocking for blocking, _ in rows)
        assert len(publish(lab)) == (unmet if asked else 1)
