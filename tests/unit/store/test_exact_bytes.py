"""What the database gives back is what was recorded, to the byte and the microsecond."""

import datetime
import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labs import ask
from ledgers import HUMAN, START_US, new_folder
from stores import journalled, stored

from ledger.clock import FixedClock
from ledger.entry import MAX_ENTRY_BYTES
from ledger.events.run import MeasurementTaken
from ledger.ledger import Ledger
from ledger.recorder import Draft
from ledger.store.catch_up import catch_up

TEXTS = (
    "\"quoted\" and \\backslashed\\ 'single'",
    "line\nbreak\rreturn\ttab",
    "\x00\x01\x02\x1f",
    "\x7f\x80\x85\u2028\u2029\ufeff",
    "emoji \N{GRINNING FACE} and \u0646\u0635 right to left",
    "a,b;c|d",
    "-- '; drop table events; --",
    "$1 {braces} %s",
    " leading and trailing ",
    "null",
    "\ufffd\ufffe\uffff",
)
FLOATS = (0.1, -0.0, 1e308, 5e-324, 1 / 3, 1e22, 123456789.123456789, 1e-7, 2.0**53)

floats = st.floats(allow_nan=False, allow_infinity=False)
characters = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
keys = st.dictionaries(st.sampled_from("abcdef"), st.none() | st.booleans() | floats | characters)


def measured(value, key):
    """An asserted number with whatever key."""
    fields = {"run": None, "metric": "m", "unit": "one", "provenance": "asserted"}
    return Draft(event=MeasurementTaken(value=value, key=key, **fields))


def check(ledger):
    """The file holds exactly the entries' bytes."""
    catch_up(ledger.folder)
    rows = stored(ledger.folder)
    assert rows == journalled(ledger.folder)
    return rows


@pytest.mark.parametrize("text", TEXTS)
def test_texts(ledger, text):
    """Quotes, control characters and separators of other formats come back as they were."""
    ledger.append([measured(text, {"t": text})])
    entry = check(ledger)[-1][3]
    assert json.loads(entry)["body"]["key"]["t"] == text
    (found,) = ask(ledger.folder, "select value_json, key::varchar from measurements")
    assert json.loads(found[0]) == text
    assert json.loads(found[1]) == {"t": text}


@pytest.mark.parametrize("value", FLOATS)
def test_floats(ledger, value):
    """A float keeps its text, sign of zero and all digits."""
    ledger.append([measured(value, {})])
    entry = check(ledger)[-1][3]
    assert msgspec.json.encode(value) in entry
    assert repr(json.loads(entry)["body"]["value"]) == repr(value)


@pytest.mark.parametrize("room", [0, 1, 2, 100])
def test_longest_entries(ledger, room):
    """Entries up to the longest that is allowed are folded whole."""
    ledger.append([measured("", {})])
    empty = len(check(ledger)[-1][3])
    ledger.append([measured("x" * (MAX_ENTRY_BYTES - empty - room), {})])
    ledger.append([measured("\N{GRINNING FACE}" * 10_000, {})])
    rows = check(ledger)
    assert len(rows[-2][3]) == MAX_ENTRY_BYTES - room


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(floats | characters, keys), min_size=1, max_size=30))
def test_any_bytes(ledger, values):
    """Whatever entries are recorded, the file holds their bytes and the journal's hashes."""
    ledger.append([measured(value, key) for value, key in values])
    check(ledger)


@pytest.mark.parametrize("micros", [0, 1, START_US + 999_999, 2**53 - 1, 4_102_444_799_999_999])
def test_time_to_the_microsecond(tmp_path, micros):
    """recorded_at is the microsecond of the entry, up to the last one that a ledger can hold."""
    folder = new_folder(tmp_path / "lab")
    with Ledger(folder, actor=HUMAN, clock=FixedClock(micros)) as ledger:
        ledger.record("note.added", {"text": "now"})
    (found,) = ask(folder, "select recorded_at, epoch_us(recorded_at) from events")
    epoch = datetime.datetime(1970, 1, 1)  # the store keeps UTC, without a zone
    assert (found[0] - epoch) / datetime.timedelta(microseconds=1) == found[1] == micros
