"""The rule on citations."""

from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab

NOWHERE = "sha256:" + "0" * 64


def test_what_is_there_can_be_cited(lab):
    """A note that cites a note of this ledger is recorded."""
    first = lab.note()
    assert lab.refusal(lambda: lab.note(cites=(first,))) == ()


def test_a_hash_in_a_field_is_a_citation(lab):
    """A field that names an entry is looked up like a cited hash."""
    row, number = lab.row(), lab.measured(2.0)
    said = lab.refusal(lambda: lab.verdict(row, number, control=NOWHERE, cites=(row, number)))
    assert f"citations: it cites {NOWHERE}, which is not in this ledger" in said


@settings(max_examples=10)
@given(picks=st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=6))
def test_exactly_what_is_missing_is_named(picks):
    """Of any citations, those that are not on record are named, each once."""
    with a_lab() as lab:
        known = [lab.note(str(n)) for n in range(4)]
        absent = ["sha256:" + f"{n:x}" * 64 for n in range(4)]
        cites = [(known if is_known else absent)[n] for is_known, n in picks]
        said = lab.refusal(lambda: lab.note(cites=tuple(dict.fromkeys(cites))))
        missing = dict.fromkeys(one for one in cites if one in absent)
        wanted = [f"citations: it cites {one}, which is not in this ledger" for one in missing]
        assert list(said) == wanted
