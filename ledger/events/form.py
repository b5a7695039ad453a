"""Checking the form of an event: every problem of a body at once, each with its field.

The types of a class are checked field by field with msgspec, which knows attrs classes, unions and
literals; what types cannot say is asked of the event itself.

A sound body, and that is nearly every one, takes a short way: msgspec checks the whole of it at
once, and its encoded bytes show whether anything is in it that canonical JSON cannot hold. Only
where that leaves a doubt is the body walked value by value, which can say what is wrong.
"""

import re
import typing
from typing import Any, Final

import attrs
import msgspec

from ledger import canonical, ids
from ledger.errors import Malformed
from ledger.events.base import Event, Kind

_TYPES: Final[dict[type[Event], dict[str, Any]]] = {}
_MARKED: Final[dict[tuple[type[Event], str], tuple[str, ...]]] = {}
_PLAIN: Final[dict[type[Event], bool]] = {}
#: What makes the bytes of a body doubtful: null (which msgspec also writes for NaN), an integer of
#: 16 digits or more, an escape, an empty key, anything beyond printable ASCII.
_DOUBT: Final = re.compile(rb'null|[:,\[]-?[0-9]{16,}[,}\]]|\\|"":|[^ -~]')


def field_types(cls: type[Event]) -> dict[str, Any]:
    """The type of each field of an event class, annotations resolved, `Annotated` kept."""
    if cls not in _TYPES:
        hints = typing.get_type_hints(cls, include_extras=True)
        names = [field.name for field in attrs.fields(typing.cast("Any", cls))]
        _TYPES[cls] = {name: hints[name] for name in names}
    return _TYPES[cls]


def parse_body(kind: Kind, body: dict[str, Any]) -> Event:
    """Make the typed event of a body. Raises `Malformed` with every problem at once."""
    return _parse_sound(kind, body) or _parse_slowly(kind, body)


def _parse_sound(kind: Kind, body: dict[str, Any]) -> Event | None:
    """The event of a body that is beyond doubt, else None."""
    types = field_types(kind.event)
    if not _is_plain(kind.event) or body.keys() != types.keys():
        return None
    try:
        event: Event = msgspec.convert(body, type=kind.event)
        encoded = canonical.encode(body)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError):
        return None
    if _DOUBT.search(encoded) or _digest_problems(kind, body) or any(event.problems()):
        return None
    return event


def _is_plain(cls: type[Event]) -> bool:
    """Whether the types of a class say all there is to say of its values: no `Any` in them."""
    if cls not in _PLAIN:
        _PLAIN[cls] = not any(_holds_any(type_) for type_ in field_types(cls).values())
    return _PLAIN[cls]


def _holds_any(wanted: Any) -> bool:  # noqa: ANN401 - any type expression
    if wanted is Any or attrs.has(wanted):
        return True
    return any(_holds_any(part) for part in typing.get_args(wanted))


def _parse_slowly(kind: Kind, body: dict[str, Any]) -> Event:
    """The event of a body, every value looked at. Raises `Malformed` with every problem."""
    reasons = canonical.problems(body)
    types = field_types(kind.event)
    reasons += [f"{name}: missing" for name in types if name not in body]
    reasons += [f"{name}: unknown field" for name in sorted(set(body) - set(types))]
    values = {}
    for name, wanted in types.items():
        if name not in body:
            continue
        try:
            values[name] = msgspec.convert(body[name], type=wanted)
        except msgspec.ValidationError as error:
            reasons.append(f"{name}: {_plain(str(error))}")
    if not reasons:
        reasons = _digest_problems(kind, body)
    if not reasons:
        event: Event = kind.event(**values)
        reasons = list(event.problems())
        if not reasons:
            return event
    raise Malformed(
        f"{kind.name} is not recorded",
        hint=f"ledger record {kind.name} --help lists its fields",
        reasons=reasons,
    )


def body_of(event: Event) -> dict[str, Any]:
    """The body of an event as JSON values. Inverse of `parse_body` for sound events."""
    body: dict[str, Any] = msgspec.to_builtins(event, order="deterministic")
    return body


def form_problems(event: Event) -> list[str]:
    """What is wrong with an event made in Python, whose fields no one has checked yet."""
    try:
        parse_body(event.KIND, body_of(event))
    except Malformed as error:
        return list(error.reasons)
    except TypeError as error:
        return [f"{error}: only JSON values can be recorded"]
    return []


_WORDS: Final = (("Expected ", "expected "), (" - at `$", " at `"), ("`null`", "null"))


def _plain(message: str) -> str:
    for old, new in _WORDS:
        message = message.replace(old, new)
    return message


def references(kind: Kind, body: dict[str, Any], mark: str) -> list[str]:
    """Digests in a body whose field is annotated with `mark` ("blob" or "entry").

    Looks one level deep: a field of that type, an optional one, or a tuple of them.
    """
    found: list[str] = []
    for name in _marked_fields(kind.event, mark):
        value = body.get(name)
        found += value if isinstance(value, (list, tuple)) else [value] if value else []
    return found


def _digest_problems(kind: Kind, body: dict[str, Any]) -> list[str]:
    return [
        f"{name}: {digest!r} is not sha256: and 64 hex digits"
        for name in (*_marked_fields(kind.event, "blob"), *_marked_fields(kind.event, "entry"))
        for digest in (body[name] if isinstance(body[name], (list, tuple)) else [body[name]])
        if digest is not None and not ids.is_hash(digest)
    ]


def _marked_fields(cls: type[Event], mark: str) -> tuple[str, ...]:
    if (cls, mark) not in _MARKED:
        types = field_types(cls)
        _MARKED[cls, mark] = tuple(name for name, type_ in types.items() if mark in _marks(type_))
    return _MARKED[cls, mark]


def _marks(wanted: Any) -> set[str]:  # noqa: ANN401 - any type expression
    marks = set(getattr(wanted, "__metadata__", ()))
    for part in typing.get_args(wanted):
        marks |= _marks(part)
    return marks
