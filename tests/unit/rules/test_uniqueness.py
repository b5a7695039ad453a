"""The rule on uniqueness."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import ORIGIN
from zoo_base import a_lab
from zoo_lab import AGENT

DIGEST = "sha256:" + "5a" * 32


def contract(lab, version, **changes):
    """Add a version of the contract C."""
    blob = lab.ledger.write_blob(version.encode())
    body = {"contract": "C", "version": version, "title": "c", "file": blob, "rows": []}
    return lab.say("contract.added", **body | changes)


def edge(lab):
    """State the edge E-1."""
    return lab.say(
        "edge.stated", edge="E-1", from_name="H-A", relation="causes", to_name="H-0", claim="H-0"
    )


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda lab: lab.claim("H-1"), "H-1 was stated at position 4; choose another name"),
        (edge, "E-1 was stated at position 4"),
        (
            lambda lab: lab.say(
                "constant.declared", constant="K", formula="2*3", value=6, unit="count"
            ),
            "K was declared at position 4",
        ),
        (
            lambda lab: lab.say(
                "artifact.made", artifact="A-1", digest=DIGEST, size_bytes=1, run="train-0001",
                inputs={},
            ),
            "A-1 was made at position 4",
        ),
        (
            lambda lab: lab.say("member.added", set="S", member="m", title="one"),
            "m was added at position 4",
        ),
    ],
)  # fmt: skip
def test_a_second_thing_of_one_name(lab, act, says):
    """Claims, edges, constants, artifacts and members are given once."""
    lab.begin()
    lab.claim("H-0")
    lab.claim("H-A")
    act(lab)
    assert any(says in line for line in lab.refusal(lambda: act(lab)))


def test_a_second_beginning(lab):
    """A ledger has one first entry."""
    said = lab.refusal(
        lambda: lab.say("ledger.created", format="1", program=f"other {ORIGIN}", keys=[])
    )
    assert said == ("uniqueness: this ledger has its first entry already",)


def test_a_row_again_without_its_head(lab):
    """The second declaration of a row is told the head that it would have to name."""
    head = lab.row()
    (said,) = lab.refusal(lambda: lab.row(threshold=9.0))
    assert said.startswith("uniqueness: LOSS was declared at position 1; its threshold stays in")
    assert head in said


def test_two_heads(lab):
    """Only the head can be taken the place of."""
    first = lab.row()
    lab.row(supersedes=first, threshold=2.0)
    (said,) = lab.refusal(lambda: lab.row(supersedes=first, threshold=1.0))
    assert said.startswith("uniqueness: two heads: LOSS is at position 2 by now")


def test_a_row_that_is_over(lab):
    """A retired row is not declared anew."""
    head = lab.row()
    lab.move("LOSS", "unbound", "RETIRED", lab.note())
    said = lab.refusal(lambda: lab.row(supersedes=head))
    assert said == ("uniqueness: LOSS is RETIRED, for good",)


def test_aliases(lab):
    """An alias is of one row, and no row's name."""
    lab.row("A", aliases=["A-OLD"])
    lab.row("B")
    assert lab.refusal(lambda: lab.row("A-OLD")) == (
        "uniqueness: A-OLD is an alias of A since position 1",
    )
    assert lab.refusal(lambda: lab.row("C", aliases=["A-OLD"])) == (
        "uniqueness: A-OLD is an alias of A since position 1",
    )
    assert lab.refusal(lambda: lab.row("C", aliases=["B"])) == (
        "uniqueness: B is a row of its own since position 2",
    )


def test_a_row_keeps_its_model(lab):
    """A row does not move to another model; one without a model may get one."""
    head = lab.row()
    said = lab.refusal(lambda: lab.row(supersedes=head, model="tiny5"))
    assert said == ("uniqueness: LOSS is listed under tiny4, for good, not under tiny5",)
    free = lab.row("FREE", model=None)
    assert lab.refusal(lambda: lab.row("FREE", supersedes=free, model="tiny4")) == ()


def test_a_blocking_row_stays_blocking(lab):
    """An agent cannot make a blocking row one that does not block; a person can."""
    head = lab.row()
    lax = {"supersedes": head, "blocking": False}
    said = lab.refusal(lambda: lab.row(**lax, actor=AGENT))
    assert said == ("uniqueness: LOSS is blocking: only a person changes that, not agent:smith",)
    assert lab.refusal(lambda: lab.row(**lax)) == ()


@pytest.mark.parametrize(
    "change",
    [{"metric": "loss_best"}, {"unit": "bits"}, {"binding": {"model": "tiny4", "split": "easy"}}],
    ids=lambda change: next(iter(change)),
)
def test_a_measured_row_keeps_what_it_is_about(lab, change):
    """Another metric, unit or binding is refused once there is a result, and not before."""
    head = lab.row()
    assert lab.refusal(lambda: lab.row(supersedes=head, threshold=2.9)) == ()
    other = lab.row("OTHER")
    assert lab.refusal(lambda: lab.row("OTHER", supersedes=other, **change)) == ()
    lab.row("THIRD")
    lab.measured(5.0)
    with_head = lab.row("FOURTH")
    (said,) = lab.refusal(lambda: lab.row("FOURTH", supersedes=with_head, **change))
    name = next(iter(change))
    assert said == (
        f"uniqueness: FOURTH was measured at position 7: with another {name} it is another row; "
        "declare one of another name"
    )


def test_a_refuted_result_does_not_hold_a_row_to_its_subject(lab):
    """Where the only result was refuted, the row may still be put right."""
    head = lab.row()
    number = lab.measured(5.0)
    lab.refute(number, lab.measured(1.0, metric="loss_recomputed"))
    assert lab.refusal(lambda: lab.row(supersedes=head, metric="loss_best")) == ()


def test_contracts(lab):
    """A contract has one head, and a version of it is added once."""
    first = contract(lab, "1")
    assert "two heads: C 1 is in force" in lab.refusal(lambda: contract(lab, "2"))[0]
    second = contract(lab, "2", supersedes=first)
    assert lab.refusal(lambda: contract(lab, "1", supersedes=second)) == (
        "uniqueness: C 1 was added at position 1",
    )
    assert lab.refusal(lambda: contract(lab, "2", supersedes=second)) == (
        "uniqueness: C 2 was added at position 2",
    )
    said = lab.refusal(lambda: contract(lab, "1", contract="D", supersedes=second))
    assert said == ("uniqueness: there is no contract D to take the place of",)


@settings(max_examples=10)
@given(named=st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_there_is_one_head(named):
    """Of any declarations that take the place of earlier ones, those that name the head stand."""
    with a_lab() as lab:
        declared = [lab.row(threshold=9.0)]
        for step, index in enumerate(named):
            head = declared[min(index, len(declared) - 1)]
            said = lab.refusal(
                lambda head=head, step=step: declared.append(
                    lab.row(threshold=8.0 - step, supersedes=head)
                )
            )
            assert bool(said) == (head != declared[-1 if said else -2])
