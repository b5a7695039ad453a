import json

import hypothesis.strategies as st
import msgspec
from histories import history_bytes, history_lines, line, to_bytes
from hypothesis import given

from ledger import canonical
from ledger.events.form import body_of
from ledger.importers import find_importer, read_drafts
from ledger.importers.ship_two import EXTRA
from ledger.importers.ship_two_lines import LINE_KINDS

SHIP_TWO = find_importer("ship-two")


def recorded_body(draft):
    """The body as it comes back from an entry's bytes."""
    return msgspec.json.decode(canonical.encode(body_of(draft.event)))


def same(one: object, other: object) -> bool:
    """Equal with types: 1, 1.0 and true are three values."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def test_every_line_of_the_history_can_be_rebuilt():
    """Through the bytes of its entry, each of the 856 lines comes back exactly, nulls included."""
    drafts = read_drafts(SHIP_TWO, history_bytes())
    originals = history_lines()
    assert len(drafts) == len(originals) == 856
    for draft, original in zip(drafts, originals, strict=True):
        assert same(SHIP_TWO.rebuild_line(recorded_body(draft)), original)


def test_null_and_absent_come_back_apart():
    """A key that says null and a key that is not there are two statements."""
    with_null = line("verdict", {"status": "OPEN", "from_status": None})
    without = line("verdict", {"status": "OPEN"})
    for original in (with_null, without):
        (draft,) = read_drafts(SHIP_TWO, to_bytes(original))
        assert SHIP_TWO.rebuild_line(recorded_body(draft)) == original


def test_keys_beside_data_are_kept():
    """What a later format writes beside the seven keys is not lost."""
    original = line("verdict", {"status": "OPEN", "mood": "calm"}, reviewer="bo", weight=2)
    (draft,) = read_drafts(SHIP_TWO, to_bytes(original))
    assert draft.event.rest == {"mood": "calm", "@line": {"reviewer": "bo", "weight": 2}}
    assert SHIP_TWO.rebuild_line(recorded_body(draft)) == original


names = st.text(
    st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=8
).filter(lambda name: name != EXTRA)  # kept for keys beside data: tests/unit/importers/test_reading
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(names, values, max_size=5), names)
def test_any_line_of_an_unknown_kind_is_kept(data, kind):
    """Whatever a future history says becomes a note from which the line comes back."""
    original = line(f"future-{kind}", data)
    (draft,) = read_drafts(SHIP_TWO, to_bytes(original))
    assert draft.event.KIND.name == "note.reported"
    assert same(SHIP_TWO.rebuild_line(recorded_body(draft)), original)


EXAMPLES = {each["kind"]: each for each in history_lines()}


@given(st.sampled_from(LINE_KINDS), st.dictionaries(names.map("x-".__add__), values, max_size=4))
def test_keys_that_no_field_knows_never_change_a_line(kind, more):
    """A known kind of line with further keys of any value comes back with them."""
    example = EXAMPLES[kind.kind]
    original = {**example, "data": {**example["data"], **more}}
    (draft,) = read_drafts(SHIP_TWO, to_bytes(original))
    assert draft.event.KIND is kind.event.KIND
    assert same(SHIP_TWO.rebuild_line(recorded_body(draft)), original)
