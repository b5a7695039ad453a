"""The rule on names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab

DIGEST = "sha256:" + "5a" * 32
EDGE = {"edge": "E-1", "from_name": "LOSS", "relation": "blocks", "to_name": "H-1", "claim": "H-1"}
MADE = {"artifact": "A-1", "digest": DIGEST, "size_bytes": 1, "inputs": {}}
PUBLISHED = {"artifact": "A-9", "digest": DIGEST, "model": "tiny4", "place": "a hub"}


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda lab: lab.row("B", requires=["X"]), "there is no row X on record"),
        (lambda lab: lab.attack("X", lab.measured(2.0), ">", 9.0), "there is no claim X"),
        (lambda lab: lab.move("X", "unbound", "RETIRED", lab.note()), "there is no row X"),
        (
            lambda lab: lab.move("X", "UNKNOWN", "RETRACTED", lab.note(), kind="claim.moved"),
            "there is no claim X",
        ),
        (lambda lab: lab.say("edge.stated", **EDGE | {"from_name": "X"}), "no row or claim X"),
        (lambda lab: lab.say("edge.stated", **EDGE | {"to_name": "X"}), "no row or claim X"),
        (lambda lab: lab.say("edge.stated", **EDGE | {"claim": "X"}), "there is no claim X"),
        (lambda lab: lab.mark("X"), "there is no run X"),
        (lambda lab: lab.say("artifact.made", run="X", **MADE), "there is no run X"),
        (lambda lab: lab.say("artifact.published", **PUBLISHED), "there is no artifact A-9"),
        (
            lambda lab: lab.say(
                "contract.added", contract="C", version="1", title="t", rows=["LOSS", "X"],
                file=lab.ledger.write_blob(b"c"),
            ),
            "there is no row X",
        ),
        (
            lambda lab: lab.row("X", supersedes=lab.row("Y")),
            "there is no row X",
        ),
    ],
)  # fmt: skip
def test_a_name_that_is_not_there(lab, act, says):
    """Whatever names something, it must be on record, and the answer says what is missing."""
    lab.row()
    lab.claim()
    assert any(
        line.startswith("names: ") and says in line for line in lab.refusal(lambda: act(lab))
    )


def test_names_that_are_there(lab):
    """Rows, claims and runs on record can be named."""
    lab.row()
    lab.claim()
    assert lab.refusal(lambda: lab.say("edge.stated", **EDGE)) == ()
    assert lab.refusal(lambda: lab.row("B", requires=["LOSS"])) == ()


def test_an_alias_is_answered_with_the_row(lab):
    """Who names a row by an alias is told the row."""
    lab.row("GATE-4", aliases=["INV-5"])
    said = lab.refusal(lambda: lab.row("B", requires=["INV-5"]))
    assert said == (
        "names: there is no row INV-5 on record; INV-5 is an alias of GATE-4: name the row itself",
    )


@settings(max_examples=10)
@given(
    declared=st.sets(st.sampled_from("ABCDE")),
    required=st.lists(st.sampled_from("ABCDE"), unique=True),
)
def test_a_row_requires_declared_rows_alone(declared, required):
    """A declaration is refused for exactly the required rows that nobody declared."""
    with a_lab() as lab:
        for name in sorted(declared):
            lab.row(name)
        said = lab.refusal(lambda: lab.row("Z", requires=required))
        missing = [name for name in required if name not in declared]
        assert list(said) == [f"names: there is no row {name} on record" for name in missing]


def test_the_nearest_names_are_told(lab):
    """A name that is nearly one on record is refused with the one that may have been meant."""
    lab.row("LOSS-FINAL")
    said = lab.refusal(lambda: lab.row("B", requires=["LOSS-FINL"]))
    assert said == ("names: there is no row LOSS-FINL on record: did you mean LOSS-FINAL?",)
