"""Every typed table equals what plain Python makes of the same entries, whatever these are."""

import json

import pytest
from event_values import event_strategy, json_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labs import build_lab
from ledgers import EXECUTOR, lines_of, new_folder, new_ledger
from plain_folds import FOLDS, fold

from ledger import canonical
from ledger.entry import Entry, entry_hash, format_hash
from ledger.events import KINDS
from ledger.events.form import body_of
from ledger.journal.line import Line, chain_start, extend
from ledger.journal.segments import segment_path
from ledger.projections import PROJECTIONS
from ledger.store.catch_up import catch_up, connect

#: Tables that say something of branches: `tests/unit/merge` has their tests.
ELSEWHERE = {"events", "imports", "merges"}
FOLDED = sorted(
    {KINDS[kind].event for one in PROJECTIONS if one.name in FOLDS for kind in one.kinds or ()},
    key=lambda cls: cls.KIND.name,
)


def check(folder):
    """Fold in both ways and hold every table against the other."""
    catch_up(folder)
    plain = fold(
        (line.position, format_hash(entry_hash(line.entry)), json.loads(line.entry))
        for line in lines_of(folder)
    )
    with connect(folder.database, read_only=True) as db:
        for table, wanted in plain.items():
            cursor = db.execute(f"from {table}")
            is_json = [str(column[1]) == "JSON" for column in cursor.description]
            found = [
                tuple(
                    json.loads(value) if json_ and value is not None else value
                    for value, json_ in zip(row, is_json, strict=True)
                )
                for row in cursor.fetchall()
            ]
            assert sorted(map(repr, found)) == sorted(map(repr, map(tuple, wanted))), table


def test_every_table_is_folded():
    """No table of the list is left out here."""
    assert set(FOLDS) | ELSEWHERE == {one.name for one in PROJECTIONS}


def test_laboratory(tmp_path):
    """The real history, traces, comparisons, criteria, verdicts and claims."""
    check(build_lab(tmp_path))


def write(folder, bodies):
    """Write a journal of (kind, body) pairs: sound in everything but, perhaps, the bodies."""
    chain, text = chain_start(folder.origin), []
    for position, (kind, body) in enumerate(bodies):
        entry = Entry(
            actor=EXECUTOR,
            body=body,
            branch=None,
            cites=(),
            kind=kind,
            origin=folder.origin,
            recorded_at=position,
            schema_version=KINDS[kind].version,
            stream="ledger",
            stream_version=position,
        ).format()
        chain = extend(chain, entry)
        text.append(Line(position, chain, entry).format())
    segment_path(folder.journal, 0).write_bytes(b"".join(text))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(FOLDED).flatmap(event_strategy), min_size=1, max_size=12))
def test_any_events(tmp_path_factory, events):
    """Whatever sound events are recorded."""
    folder = new_folder(tmp_path_factory.mktemp("plain") / "lab")
    write(folder, [(event.KIND.name, body_of(event)) for event in events])
    check(folder)


FIELDS = sorted(
    {name for kind in KINDS.values() for name in kind.event.__slots__ if not name.startswith("_")}
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(KINDS)),
            st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=12),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_any_bodies(tmp_path_factory, bodies):
    """No body keeps the rest of the record from being asked: other programs write some, too."""
    folder = new_folder(tmp_path_factory.mktemp("any") / "lab")
    write(folder, bodies)
    catch_up(folder)
    with connect(folder.database, read_only=True) as db:
        found = db.execute("select entry from events order by position").fetchall()
        for one in PROJECTIONS:
            db.execute(f"from {one.name}").fetchall()
    bodies_found = [json.loads(entry)["body"] for (entry,) in found]
    assert [canonical.encode(b) for b in bodies_found] == [canonical.encode(b) for _, b in bodies]


@pytest.mark.parametrize("layer", [2**40, -1])
def test_a_layer_that_is_none(tmp_path, layer):
    """A number that does not fit its column is null there, and nothing else is lost."""
    points = [["q", layer, 4, 1]]
    with new_ledger(tmp_path / "lab") as ledger:
        body = {
            "run": "r-1",
            "provenance": "measured",
            "part": 0,
            "parts": 1,
            "identity": {},
            "identity_digest": "x",
            "path": {},
            "path_digest": "x",
            "columns": ["count", "m2"],
            "points": points,
            "all_rows": [[3, -1.0]],
            "last_row": [[1, "Infinity"]],
            "kept_rows": [0],
            "blob": "sha256:" + "0" * 64,
        }
        ledger.record("trace.captured", body, actor=EXECUTOR)
        check(ledger.folder)
