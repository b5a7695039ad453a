"""An entry: the exact bytes E that are hashed and kept (spec/formats/entry.md).

Example, one line, keys sorted::

    {"actor":"human:ada","body":{"text":"hello"},"branch":null,"cites":[],"kind":"note.added",
    "origin":"example/lab","recorded_at":1767225600000000,"schema_version":1,"stream":"ledger",
    "stream_version":3}

Position and chain are not in E, so an entry keeps its identity when it moves to another ledger.
"""

import hashlib
from typing import Any, Final

import attrs
import msgspec

from ledger import canonical, ids
from ledger.errors import Malformed

MAX_ENTRY_BYTES: Final = 65_535
MAX_VERSION: Final = 65_535
_HINT: Final = "spec/formats/entry.md describes the ten fields of an entry"


@attrs.frozen(slots=True, kw_only=True)
class Entry:
    """One event as recorded. `body` is the event's own fields as JSON values."""

    actor: str
    body: dict[str, Any]
    branch: str | None
    cites: tuple[str, ...]
    kind: str
    origin: str
    recorded_at: int
    schema_version: int
    stream: str
    stream_version: int

    def format(self) -> bytes:
        """The bytes E. Raises `Malformed` when they are longer than 65,535."""
        encoded = canonical.encode({name: getattr(self, name) for name in FIELDS})
        if len(encoded) > MAX_ENTRY_BYTES:
            raise _too_long(len(encoded))
        return encoded


FIELDS: Final = tuple(sorted(field.name for field in attrs.fields(Entry)))
_KNOWN: Final = msgspec.json.Decoder(Entry)


@attrs.frozen(slots=True)
class Frame:
    """What the entries of one stream, actor and kind have in common, encoded once.

    An entry is `head`, its body, `middle`, its time, `tail`, its number and a closing brace.
    """

    origin: str
    stream: str
    kind: str
    head: bytes
    middle: bytes
    tail: bytes

    def format(self, body: bytes, recorded_at: int, stream_version: int) -> bytes:
        """The bytes E around a body's canonical bytes. Raises `Malformed` when over 65,535."""
        encoded = b"%b%b%b%d%b%d}" % (
            self.head,
            body,
            self.middle,
            recorded_at,
            self.tail,
            stream_version,
        )
        if len(encoded) > MAX_ENTRY_BYTES:
            raise _too_long(len(encoded))
        return encoded


def frame_of(entry: Entry) -> Frame:
    """The frame of an entry: `frame.format` with its body, time and number gives its bytes."""
    values = {name: canonical.encode(getattr(entry, name)) for name in FIELDS}
    fields = [b'"%b":%b' % (name.encode(), values[name]) for name in FIELDS]
    body, time = FIELDS.index("body"), FIELDS.index("recorded_at")
    return Frame(
        origin=entry.origin,
        stream=entry.stream,
        kind=entry.kind,
        head=b"{" + b",".join(fields[:body]) + b',"body":',
        middle=b"," + b",".join(fields[body + 1 : time]) + b',"recorded_at":',
        tail=b"," + b",".join(fields[time + 1 : -1]) + b',"stream_version":',
    )


def _too_long(length: int) -> Malformed:
    return Malformed(
        f"the entry has {length} bytes, {MAX_ENTRY_BYTES} are allowed",
        hint="put the large payload into a blob and record its digest",
    )


def entry_hash(entry_bytes: bytes) -> bytes:
    """The RFC 9162 leaf hash SHA-256(0x00 || E): 32 raw bytes."""
    return hashlib.sha256(b"\x00" + entry_bytes).digest()


def format_hash(raw: bytes) -> str:
    """Print a hash: 32 bytes become `sha256:<hex>`."""
    return ids.HASH_PREFIX + raw.hex()


def parse_hash(text: str) -> bytes:
    """Read a printed hash back to 32 raw bytes. Raises `Malformed`."""
    if not ids.is_hash(text):
        raise Malformed(f"{text!r} is not a hash", hint="a hash is sha256: and 64 hex digits")
    return bytes.fromhex(text[len(ids.HASH_PREFIX) :])


def parse_entry(data: bytes) -> Entry:
    """Read E strictly: exactly the ten fields, each with its type and grammar, canonical.

    Raises `Malformed` with every problem at once. A name given twice, a key out of order or white
    space would let two readers see two entries in the same bytes. The hash is always over `data`.
    """
    if len(data) > MAX_ENTRY_BYTES:
        raise Malformed(f"an entry of {len(data)} bytes is over {MAX_ENTRY_BYTES}", hint=_HINT)
    try:
        fields = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"an entry is not JSON: {error}", hint=_HINT) from error
    if not isinstance(fields, dict):
        raise Malformed("an entry is not a JSON object", hint=_HINT)
    if tuple(sorted(fields)) != FIELDS:
        missing, extra = sorted(set(FIELDS) - set(fields)), sorted(set(fields) - set(FIELDS))
        raise Malformed(f"an entry has missing fields {missing}, unknown {extra}", hint=_HINT)
    reasons = envelope_problems(fields) + canonical.problems(fields["body"], "body")
    if not reasons and not canonical.is_canonical(data):
        reasons = ["the bytes are not canonical: each key once, keys sorted, no white space"]
    if reasons:
        raise Malformed("an entry has fields of the wrong form", hint=_HINT, reasons=reasons)
    return Entry(**{**fields, "cites": tuple(fields["cites"])})


def recorded_at(data: bytes) -> int:
    """The time of an entry that was just put together: its last keys stand in a fixed order."""
    start = data.rindex(b'"recorded_at":') + len(b'"recorded_at":')
    return int(data[start : data.index(b",", start)])


def read_known(data: bytes) -> Entry:
    """Read E that is known to be one: its hash is that of an entry which was read strictly before.

    Raises `Malformed` where it is none after all.
    """
    try:
        return _KNOWN.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"an entry has the wrong form: {error}", hint=_HINT) from error


def envelope_problems(fields: dict[str, Any]) -> list[str]:
    """What is wrong with the fields around the body; empty if nothing is."""
    checks = (
        ("actor", _is(fields["actor"], ids.is_actor), "type:name"),
        ("body", isinstance(fields["body"], dict), "an object"),
        (
            "branch",
            fields["branch"] is None or _is(fields["branch"], ids.is_branch),
            "null or name",
        ),
        ("cites", _are_hashes(fields["cites"]), "a list of entry hashes"),
        ("kind", _is(fields["kind"], ids.is_kind), "noun.past_participle"),
        ("origin", _is(fields["origin"], ids.is_origin), "a ledger's name"),
        ("recorded_at", _is_count(fields["recorded_at"]), "microseconds since 1970, UTC"),
        (
            "schema_version",
            _is_count(fields["schema_version"]) and 0 < fields["schema_version"] <= MAX_VERSION,
            f"a whole number from 1 to {MAX_VERSION}",
        ),
        ("stream", _is(fields["stream"], ids.is_stream), "run/…, row/…, claim/…, … or ledger"),
        ("stream_version", _is_count(fields["stream_version"]), "a whole number from 0"),
    )
    return [
        f"{name}: {fields[name]!r} is not {wanted}" for name, sound, wanted in checks if not sound
    ]


def _is(value: object, grammar: Any) -> bool:  # noqa: ANN401 - a predicate over text
    return isinstance(value, str) and bool(grammar(value))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53


def _are_hashes(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(_is(item, ids.is_hash) for item in value)
