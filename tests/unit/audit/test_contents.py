"""Entries that are checked in bulk: what passes there, the full check takes, and nothing else."""

import msgspec
import pytest
from event_values import example_event
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit.contents import _HOT, read_contents
from ledger.audit.lines import Lines
from ledger.audit.order import Order
from ledger.entry import entry_hash, parse_entry
from ledger.errors import Malformed
from ledger.events import EVENTS, read_event
from ledger.events.form import body_of
from ledger.events.run import StepTaken

ENVELOPE = {
    "actor": "executor:train",
    "branch": None,
    "cites": [],
    "origin": "example.org/lab",
    "recorded_at": 1_767_225_600_000_000,
    "schema_version": 1,
    "stream": "run/r-1",
    "stream_version": 7,
}
BODY = {"metrics": {"loss": 2.5, "lr": 1e-4}, "provenance": "measured", "run": "r-1", "step": 3}


def encode(body, kind="step.taken", **changes):
    """The canonical bytes of an entry."""
    fields = {**ENVELOPE, "kind": kind, "body": body, **changes}
    return msgspec.json.encode(fields, order="sorted")


def read(*data):
    """(plain, seen, problems) of entries in a row."""
    lines = Lines(
        is_sound=True,
        order=Order(()),
        positions=range(len(data)),
        chains=[b""] * len(data),
        hashes=list(map(entry_hash, data)),
        data=data,
        problems={},
        damaged=frozenset(),
        breaks=(),
    )
    return read_contents(lines, 0)


def is_sound(data):
    """Whether the full check takes it."""
    try:
        entry = parse_entry(data)
        read_event(entry.kind, entry.schema_version, entry.body)
    except Malformed:
        return False
    return True


def test_steps_are_plain():
    """Training steps are checked in bulk; their kind is the only hot one so far."""
    assert list(_HOT) == [b'"kind":"step.taken","origin":"']
    plain, seen, problems = read(encode(BODY), encode(BODY, stream_version=8))
    assert (seen, problems) == ([], {})
    assert [(p.kind, p.origin, p.branch, p.stream, p.stream_version) for p in plain] == [
        ("step.taken", "example.org/lab", None, "run/r-1", version) for version in (7, 8)
    ]


def with_metric(name, value):
    """The bytes of a step with one metric, as text."""
    return encode({**BODY, "metrics": {}}).replace(
        b'"metrics":{}', b'"metrics":{"%b":%b}' % (name, value)
    )


DOUBTFUL = {
    "a branch that is none": encode(BODY, branch="a//b"),
    "an actor that is none": encode(BODY, actor="somebody"),
    "an origin that is none": encode(BODY, origin="//"),
    "a stream that is none": encode(BODY, stream="run"),
    "a citation": encode(BODY, cites=["sha256:" + "ab" * 32]),
    "a later version": encode(BODY, schema_version=2),
    "version zero": encode(BODY, schema_version=0),
    "a version beyond 2^53": encode(BODY, stream_version=2**53 + 1),
    "a time before 1970": encode(BODY, recorded_at=-1),
    "a field more": encode({**BODY, "more": 1}),
    "a field less": encode({k: v for k, v in BODY.items() if k != "run"}),
    "a field outside": encode(BODY, more=1),
    "another provenance": encode({**BODY, "provenance": "guessed"}),
    "a step that is a float": encode({**BODY, "step": 3.0}),
    "a step beyond 2^53": encode({**BODY, "step": 2**53 + 1}),
    "a metric beyond 2^53": with_metric(b"n", b"9007199254740993"),
    "a metric that is null": with_metric(b"n", b"null"),
    "a metric that is a text": with_metric(b"n", b'"high"'),
    "a metric without a name": with_metric(b"", b"1.0"),
    "a name that is no ASCII": with_metric("größe".encode(), b"1.0"),
    "a name with an escape": with_metric(b"a\\u0007", b"1.0"),
    "a name that cannot be printed": with_metric(b"a\x7f", b"1.0"),
    "a number too large": with_metric(b"n", b"1e999"),
    "a float with more digits": with_metric(b"n", b"1.50"),
    "a float with a capital E": with_metric(b"n", b"1.5E-10"),
    "a name twice": with_metric(b'n":1.0,"n', b"1.0"),
    "names out of order": with_metric(b'z":1.0,"a', b"1.0"),
    "a space": encode(BODY).replace(b'"step":3', b'"step": 3'),
    "a newline in a text": encode({**BODY, "run": "a\nb"}),
    "a commitment": encode({**BODY, "run": "withheld:sha256:" + "ab" * 32}),
    "another kind inside": encode({**BODY, "run": '"kind":"step.taken","origin":"'}),
    "no UTF-8": encode(BODY).replace(b'"r-1"', b'"\xff"'),
    "no JSON": encode(BODY)[:-2] + b"}}",
    "too long": encode({**BODY, "run": "r" * 70_000}),
}


@pytest.mark.parametrize("what", DOUBTFUL)
def test_doubtful(what):
    """What is not beyond doubt is read in full, alone or among sound steps, and blamed alone."""
    data, sound = DOUBTFUL[what], encode(BODY)
    for entries, at in (((data,), 0), ((sound, data, sound), 1)):
        plain, seen, problems = read(*entries)
        assert [index for index, found in enumerate(plain) if found is None] == [at]
        assert [found.index for found in seen] == [at]
        assert set(problems) <= {at}
        is_fine = not problems and not seen[0].form and seen[0].event is not None
        assert is_fine == is_sound(data)


BYTES = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from([b'"', b"0", b"1", b".", b"e", b"-", b"n", b"{", b" "])
    )
)


@given(BYTES, st.integers(0, 2))
def test_never_more_than_the_full_check(changes, cut):
    """Whatever bytes are changed: an entry is plain only if the full check takes it."""
    data = bytearray(encode({**BODY, "metrics": {"a": 1.5, "b": -2e-7, "c": 12, "d": "NaN"}}))
    for where, byte in changes:
        at = int(where * (len(data) - 1))
        data[at : at + cut] = byte
    plain, _, _ = read(bytes(data))
    if plain[0] is not None:
        assert is_sound(bytes(data))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.KIND.name)
def test_every_kind(event):
    """An entry of any kind is read, in bulk or in full, and its form is found sound."""
    body = body_of(example_event(event))
    plain, seen, problems = read(encode(body, kind=event.KIND.name))
    assert problems == {}
    assert (plain[0] is not None) == (event is StepTaken)
    assert [found.form for found in seen] == [()] * len(seen)
