"""What holds for every event kind, old and new: walk the list."""

import ast
import importlib
import inspect
import re
import string
from pathlib import Path

import attrs
import pytest
from event_values import event_strategy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import events, ids
from ledger.entry import Entry, parse_entry
from ledger.events import EVENTS, FAMILIES, KINDS, find_kind, read_event
from ledger.events.base import Event, UnknownEvent, field_docs
from ledger.events.form import body_of, field_types, parse_body, references

FOLDER = Path(inspect.getfile(events)).parent
each_event = pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.KIND.name)


def test_every_class_is_listed():
    """Every event class of the folder is in the tuple, and every file has one or is the frame."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        module = importlib.import_module(f"ledger.events.{path.stem}")
        found[path.stem] = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and "KIND" in vars(value)
            and value.__module__ == module.__name__
        ]
    assert {cls for classes in found.values() for cls in classes} == set(EVENTS)
    assert [name for name, classes in found.items() if not classes] == ["__init__", "base", "form"]


def test_identity_is_unique():
    """No two classes share a kind name, and the table is the tuple."""
    assert list(KINDS) == [cls.KIND.name for cls in EVENTS]
    assert [kind.event for kind in KINDS.values()] == list(EVENTS)


@each_event
def test_kind(cls):
    """The name is well-formed, the family known, one upcast for each old version."""
    kind = cls.KIND
    assert ids.is_kind(kind.name)
    assert kind.family in FAMILIES
    assert kind.version == len(kind.upcasts) + 1
    assert (kind.family == "reported") == kind.name.endswith(".reported")
    assert find_kind(kind.name) is kind


@each_event
def test_docs(cls):
    """The class says what happened, each field what it means."""
    assert re.fullmatch(r".{5,98}\.", cls.KIND.summary)
    docs = field_docs(cls)
    assert set(docs) == set(field_types(cls))
    for name, text in docs.items():
        assert len(text) > 5, name
        assert text.endswith((".", "…")), name


@each_event
def test_fields(cls):
    """Fields have no default value, no field is called timestamp, no name hides an envelope's."""
    assert issubclass(cls, Event)
    for field in attrs.fields(cls):
        assert field.default is attrs.NOTHING
        assert field.kw_only
        assert field.name != "timestamp"
        assert re.fullmatch(r"[a-z][a-z0-9_]*", field.name)
    for name, wanted in field_types(cls).items():
        assert "list[" not in str(wanted), f"{name}: tuples, not lists"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cls.__new__(cls).anything = 1


@each_event
def test_stream(cls):
    """The stream is named with fields of the body, in a room that exists."""
    pattern = cls.KIND.stream
    names = [name for _, name, _, _ in string.Formatter().parse(pattern) if name]
    assert set(names) <= set(field_types(cls))
    filled = pattern.format(**dict.fromkeys(names, "x-1"))
    assert ids.is_stream(filled.removesuffix("*") + ("x" if filled.endswith("*") else ""))
    assert filled.endswith("*") == (cls.KIND.family == "reported")


@each_event
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_round_trip(cls, data):
    """An event becomes a body, an entry and bytes, and comes back equal."""
    event = data.draw(event_strategy(cls))
    body = body_of(event)
    assert parse_body(cls.KIND, body) == event
    entry = Entry(
        actor="human:ada",
        body=body,
        branch=None,
        cites=(),
        kind=cls.KIND.name,
        origin="example",
        recorded_at=0,
        schema_version=cls.KIND.version,
        stream="ledger",
        stream_version=0,
    )
    read = parse_entry(entry.format())
    again = read_event(read.kind, read.schema_version, read.body)
    assert again == event
    assert attrs.evolve(read, body=body_of(again)).format() == entry.format()


@each_event
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_references_and_standings(cls, data):
    """What an event refers to are digests, and what it sets are texts."""
    event = data.draw(event_strategy(cls))
    for mark in ("blob", "entry"):
        assert all(ids.is_hash(digest) for digest in references(cls.KIND, body_of(event), mark))
    for key, value in event.standings():
        assert isinstance(key, str)
        assert isinstance(value, str)
    stream = cls.KIND.stream_of(event)
    assert stream is None or isinstance(stream, str)


@each_event
def test_later_version(cls):
    """A version from a later program is kept as it is, not guessed at."""
    body = {"anything": [1, {"of": "it"}]}
    version = cls.KIND.version + 1
    wanted = UnknownEvent(kind=cls.KIND.name, schema_version=version, body=body)
    assert read_event(cls.KIND.name, version, body) == wanted


def test_events_are_plain_data():
    """No event module imports what reads or writes: it is a vocabulary."""
    for path in FOLDER.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        }
        own = {name for name in imported if name.split(".")[0] == "ledger"}
        assert own <= {"ledger", "ledger.errors"} | {n for n in own if "ledger.events" in n}
