"""The rule on withholding."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab

from ledger import commitments


def committed(lab, value="a name"):
    """A note that commits to a value; its hash and the blob's digest."""
    text = commitments.commit(lab.ledger.folder, value)
    return lab.note(text), text.removeprefix("withheld:")


def withhold(lab, blob, *cites):
    """What is said against withholding a blob."""
    return lab.refusal(lambda: lab.say("blob.withheld", cites=cites, blob=blob, reason="private"))


def test_a_committed_value(lab):
    """What an entry committed to can be withheld, once."""
    note, blob = committed(lab)
    assert withhold(lab, blob, note) == ()
    assert withhold(lab, blob, note) == (f"withholding: {blob} is withheld since position 2",)


def test_what_is_cited(lab):
    """At least one entry that holds the commitment is cited, and no other."""
    note, blob = committed(lab)
    plain = lab.note()
    assert withhold(lab, blob) == (
        f"withholding: it cites no entry that holds {blob} as a commitment",
    )
    assert withhold(lab, blob, note, plain) == (
        f"withholding: position 2 (note.added) holds no commitment to {blob}",
    )


def test_evidence_stays(lab):
    """The file of a contract is evidence."""
    blob = lab.ledger.write_blob(b"rows: []")
    added = lab.say("contract.added", contract="C", version="1", title="c", file=blob, rows=[])
    assert withhold(lab, blob, added) == (
        f"withholding: {blob} is evidence: position 1 (contract.added) rests on it",
    )


@pytest.mark.parametrize("nowhere", ["sha256:" + "0" * 64])
def test_what_is_not_there_is_for_another_rule(lab, nowhere):
    """A citation that does not resolve is told by the rule on citations alone."""
    _, blob = committed(lab)
    (said,) = withhold(lab, blob, nowhere)
    assert said.startswith("citations: ")


@settings(max_examples=8)
@given(cited=st.sets(st.integers(0, 3), min_size=1), of=st.integers(0, 3))
def test_only_by_those_that_hold_it(cited, of):
    """Withholding is accepted if and only if exactly holders of the value are cited."""
    with a_lab() as lab:
        held = [committed(lab, f"value {n}") for n in range(4)]
        said = withhold(lab, held[of][1], *(held[n][0] for n in sorted(cited)))
        assert len(said) == len(cited - {of})
