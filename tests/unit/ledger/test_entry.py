"""The ten fields of an entry, read strictly."""

import attrs
import msgspec
import pytest

from ledger.entry import (
    FIELDS,
    MAX_ENTRY_BYTES,
    Entry,
    entry_hash,
    format_hash,
    parse_entry,
    parse_hash,
)
from ledger.errors import Malformed

ENTRY = Entry(
    actor="human:ada",
    body={"text": "hello"},
    branch=None,
    cites=("sha256:" + "ab" * 32,),
    kind="note.added",
    origin="example/lab",
    recorded_at=1767225600000000,
    schema_version=1,
    stream="ledger",
    stream_version=3,
)


def fields_of(entry: Entry) -> dict:
    """The ten fields as JSON values."""
    return msgspec.json.decode(entry.format())


def reasons_against(fields: dict) -> tuple[str, ...]:
    """Why these fields are no entry."""
    with pytest.raises(Malformed) as refused:
        parse_entry(msgspec.json.encode(fields, order="sorted"))
    return refused.value.reasons or (refused.value.message,)


def test_ten_fields():
    """An entry has exactly the ten fields of the format page, in this order."""
    names = "actor body branch cites kind origin recorded_at schema_version stream stream_version"
    assert " ".join(FIELDS) == " ".join(fields_of(ENTRY)) == names


def test_exact_bytes():
    """The bytes are compact, sorted UTF-8 JSON."""
    assert ENTRY.format() == (
        b'{"actor":"human:ada","body":{"text":"hello"},"branch":null,"cites":["sha256:'
        + b"ab" * 32
        + b'"],"kind":"note.added","origin":"example/lab","recorded_at":1767225600000000,'
        b'"schema_version":1,"stream":"ledger","stream_version":3}'
    )
    assert parse_entry(ENTRY.format()) == ENTRY


@pytest.mark.parametrize("name", FIELDS)
def test_missing_field(name):
    """A missing field is named."""
    fields = fields_of(ENTRY)
    del fields[name]
    assert f"missing fields ['{name}']" in reasons_against(fields)[0]


def test_missing_and_unknown_at_once():
    """Missing and unknown fields are reported together."""
    fields = fields_of(ENTRY) | {"position": 3, "chain": ""}
    del fields["actor"], fields["branch"]
    (reason,) = reasons_against(fields)
    assert "['actor', 'branch']" in reason
    assert "['chain', 'position']" in reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("actor", "ada"),
        ("actor", None),
        ("body", []),
        ("body", None),
        ("branch", ""),
        ("branch", 1),
        ("cites", "sha256:" + "ab" * 32),
        ("cites", ["abc"]),
        ("cites", [1]),
        ("cites", None),
        ("kind", "note"),
        ("kind", 1),
        ("origin", "a b"),
        ("recorded_at", "2026-01-01"),
        ("recorded_at", -1),
        ("recorded_at", 1.5),
        ("recorded_at", 2**53 + 1),
        ("recorded_at", True),
        ("schema_version", 0),
        ("schema_version", True),
        ("schema_version", None),
        ("stream", "Elsewhere/x"),
        ("stream_version", -1),
        ("stream_version", "3"),
    ],
)
def test_wrong_field(name, value):
    """A field of the wrong type or grammar is named with its value."""
    (reason,) = reasons_against(fields_of(ENTRY) | {name: value})
    assert reason.startswith(f"{name}: {value!r} is not ")


def test_everything_wrong_at_once():
    """All wrong fields are reported at once, the body's own problems included."""
    fields = dict.fromkeys(FIELDS, 1.5) | {"body": {"n": 2**60}}
    reasons = reasons_against(fields)
    assert [reason.split(":")[0] for reason in reasons] == [
        *(name for name in FIELDS if name != "body"),
        "body.n",
    ]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"nul", b"\xff", b'{"a":"\xff"}', b"[1]", b'"x"', b"1" * 5000, b"[" * 9999]
)
def test_no_json_object(data):
    """Anything but a JSON object is refused, however odd."""
    with pytest.raises(Malformed):
        parse_entry(data)


def test_size_limit():
    """An entry of 65,535 bytes is held, one of 65,536 is refused with the way out."""
    room = MAX_ENTRY_BYTES - len(ENTRY.format())
    largest = attrs.evolve(ENTRY, body={"text": "hello" + "x" * room})
    assert len(largest.format()) == 65_535
    assert parse_entry(largest.format()) == largest
    larger = attrs.evolve(ENTRY, body={"text": "hello" + "x" * (room + 1)})
    with pytest.raises(Malformed, match="65536 bytes") as refused:
        larger.format()
    assert "blob" in refused.value.hint
    with pytest.raises(Malformed, match="over 65535"):
        parse_entry(largest.format() + b" ")


def test_hash_printing():
    """A printed hash reads back to its raw bytes; anything else is refused."""
    raw = entry_hash(ENTRY.format())
    assert len(raw) == 32
    assert parse_hash(format_hash(raw)) == raw
    for text in ("", raw.hex(), "sha256:" + raw.hex().upper(), format_hash(raw)[:-1]):
        with pytest.raises(Malformed):
            parse_hash(text)
