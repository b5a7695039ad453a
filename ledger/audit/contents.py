"""What the entries of a range say: each read in full, or checked in bulk where its kind is hot.

Canonical form shows in the bytes: an entry that was read into its types and, written again, gives
the same bytes has each key once, in order, and nothing between the tokens. Where it does not (a
float may be written with other digits), that proves nothing, and the entry is read in full.
"""

import types
import typing
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal, Union

import msgspec

from ledger import ids
from ledger.audit.base import Plain, Seen
from ledger.audit.lines import Lines
from ledger.entry import MAX_ENTRY_BYTES, Entry, parse_entry
from ledger.errors import Malformed
from ledger.events import KINDS, read_event
from ledger.events.base import Event, Kind, UnknownEvent
from ledger.events.form import field_types
from ledger.events.redaction import MARK

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_LARGEST: Final = 2**53
_INTEGER: Final = Annotated[int, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
_COUNT: Final = Annotated[int, msgspec.Meta(ge=0, le=_LARGEST)]
#: (actor, origin, branch, stream) that have their grammar; few, and the same again and again.
_Names = tuple[str, str, str | None, str]
_SOUND: Final[set[_Names]] = set()
_REMEMBERED: Final = 10_000


def read_contents(
    lines: Lines, before: int
) -> tuple[list[Plain | None], list[Seen], dict[int, str]]:
    """(plain entries, with null for the others; the others; what is wrong with a line by index).

    `before`: how many lines of the range were read before these.
    """
    plain = _read_plain(lines.data)
    seen, problems = [], {}
    for index, found in enumerate(plain):
        if found is not None:
            continue
        try:
            entry = None if index in lines.damaged else parse_entry(lines.data[index])
        except Malformed as error:
            entry = None
            reasons = "; ".join(error.reasons)
            problems[index] = error.message + (f": {reasons}" if reasons else "")
        event, form = _read_event(entry) if entry is not None else (None, ())
        seen.append(
            Seen(
                index=before + index,
                position=lines.positions[index],
                data=lines.data[index],
                hash=lines.hashes[index],
                entry=entry,
                event=event,
                form=form,
            )
        )
    return plain, seen, problems


def _read_event(entry: Entry) -> tuple[Event | UnknownEvent | None, tuple[str, ...]]:
    """The event, or why there is none."""
    try:
        return read_event(entry.kind, entry.schema_version, entry.body), ()
    except Malformed as error:
        return None, error.reasons


def _read_plain(data: Sequence[bytes]) -> list[Plain | None]:
    """The entries of hot kinds that are beyond doubt; null for any other."""
    found: list[Plain | None] = [None] * len(data)
    for mark, decoder in _HOT.items():
        places = [index for index, entry in enumerate(data) if mark in entry]
        if not places:
            continue
        chosen = [data[index] for index in places]
        read: Sequence[Plain | None] | None = _read_all(chosen, decoder)
        if read is None:
            read = [_read_one(entry, decoder) for entry in chosen]
        for index, entry in zip(places, read, strict=True):
            found[index] = entry
    return found


def _read_all(entries: list[bytes], decoder: "msgspec.json.Decoder[Any]") -> list[Plain] | None:
    """Entries of one kind, if all of them are beyond doubt."""
    joined = b"\n".join(entries) + b"\n"
    if _is_doubtful(joined) or max(map(len, entries)) > MAX_ENTRY_BYTES:
        return None
    try:
        read: list[Any] = decoder.decode_lines(joined)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if len(read) != len(entries) or _ENCODER.encode_lines(read) != joined:
        return None
    names = {(entry.actor, entry.origin, entry.branch, entry.stream) for entry in read}
    return read if all(map(_are_names, names)) else None


def _read_one(entry: bytes, decoder: "msgspec.json.Decoder[Any]") -> Plain | None:
    """An entry of this kind, if it is beyond doubt."""
    read = _read_all([entry], decoder)
    return read[0] if read else None


def _is_doubtful(data: bytes) -> bool:
    """Whether there may be more to say: of a key that is none, or a value that is withheld."""
    return (
        not data.isascii()
        or b"\\" in data
        or b'"":' in data
        or b"\x7f" in data
        or MARK.encode() in data
    )


def _are_names(names: _Names) -> bool:
    """Whether each name around a body has its grammar."""
    if names in _SOUND:
        return True
    actor, origin, branch, stream = names
    if not (
        ids.is_actor(actor)
        and ids.is_origin(origin)
        and (branch is None or ids.is_branch(branch))
        and ids.is_stream(stream)
    ):
        return False
    if len(_SOUND) >= _REMEMBERED:
        _SOUND.clear()
    _SOUND.add(names)
    return True


def _is_hot(kind: Kind) -> bool:
    """Whether types say all there is to say of a kind's events.

    It is for instruments, names no blob and no entry, and changes nothing for later decisions.
    """
    return (
        kind.family == "instrument"
        and kind.event.problems is Event.problems
        and kind.event.standings is Event.standings
        and all(map(_is_said, field_types(kind.event).values()))
    )


def _is_said(wanted: Any) -> bool:  # noqa: ANN401 - any type expression
    if wanted in (str, int, float, bool, type(None), ...):
        return True
    origin = typing.get_origin(wanted)
    parts = typing.get_args(wanted)
    return origin is Literal or (
        origin in (Union, types.UnionType, dict, tuple) and all(map(_is_said, parts))
    )


def _bounded(wanted: Any) -> Any:  # noqa: ANN401 - any type expression
    """The type, with its integers within the bounds of canonical JSON."""
    if wanted is int:
        return _INTEGER
    origin, parts = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (Union, types.UnionType):
        return Union[tuple(map(_bounded, parts))]  # noqa: UP007 - of a list
    if origin in (dict, tuple):
        return origin[tuple(map(_bounded, parts))]
    return wanted


def _hot_kinds() -> Iterator[tuple[bytes, "msgspec.json.Decoder[Any]"]]:
    """What an entry of a hot kind contains, and how it is read."""
    for name, kind in KINDS.items():
        if not _is_hot(kind):
            continue
        fields = [(field, _bounded(type_)) for field, type_ in field_types(kind.event).items()]
        body = msgspec.defstruct("Body", fields, forbid_unknown_fields=True, gc=False)
        envelope = [
            ("actor", str),
            ("body", body),
            ("branch", str | None),
            ("cites", tuple[()]),
            ("kind", Literal[name]),
            ("origin", str),
            ("recorded_at", _COUNT),
            ("schema_version", Literal[kind.version]),
            ("stream", str),
            ("stream_version", _COUNT),
        ]
        plain = msgspec.defstruct("Hot", envelope, forbid_unknown_fields=True, gc=False)
        yield b'"kind":"%b","origin":"' % name.encode(), msgspec.json.Decoder(plain)


_HOT: Final = dict(_hot_kinds())
