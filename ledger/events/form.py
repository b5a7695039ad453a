"""Checking the form of an event: every problem of a body at once, each with its field.

The types of a class are checked field by field with msgspec, which knows attrs classes, unions and
literals; what types cannot say is asked of the event itself.

A sound body, and that is nearly every one, takes a short way: it is encoded and read again, which
checks the whole of it at once, and its bytes show whether anything is in it that canonical JSON
cannot hold. Only where that leaves a doubt is the body walked value by value, which can say what is
wrong.
"""

import operator
import types
import typing
from typing import Annotated, Any, Final, Literal, Union

import attrs
import msgspec

from ledger import canonical, ids
from ledger.errors import Malformed
from ledger.events.base import Event, Kind

_TYPES: Final[dict[type[Event], dict[str, Any]]] = {}
_MARKED: Final[dict[tuple[type[Event], str], tuple[str, ...]]] = {}
_SHORT_WAYS: "Final[dict[type[Event], ShortWay | None]]" = {}


def field_types(cls: type[Event]) -> dict[str, Any]:
    """The type of each field of an event class, annotations resolved, `Annotated` kept."""
    if cls not in _TYPES:
        hints = typing.get_type_hints(cls, include_extras=True)
        names = [field.name for field in attrs.fields(typing.cast("Any", cls))]
        _TYPES[cls] = {name: hints[name] for name in names}
    return _TYPES[cls]


def parse_body(kind: Kind, body: dict[str, Any]) -> Event:
    """Make the typed event of a body. Raises `Malformed` with every problem at once."""
    way = short_way(kind)
    if way is not None and way.encode(body) is not None:
        event: Event = kind.event(**body)
        return event
    return _parse_slowly(kind, body)


def completed(kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
    """A body with null in each field that was left out and may be null."""
    absent = {
        name: None
        for name, wanted in field_types(kind.event).items()
        if name not in body and _allows_null(wanted)
    }
    return body | absent


def _allows_null(wanted: Any) -> bool:  # noqa: ANN401 - any type expression
    try:
        msgspec.convert(None, type=wanted)
    except msgspec.ValidationError:
        return False
    return True


def check_body(kind: Kind, body: dict[str, Any]) -> bytes:
    """The canonical bytes of a body. Raises `Malformed` with every problem at once."""
    way = short_way(kind)
    encoded = None if way is None else way.encode(body)
    return canonical.encode(body_of(_parse_slowly(kind, body))) if encoded is None else encoded


def check_event(event: Event) -> bytes:
    """The canonical bytes of an event's body, whose fields no one may have checked yet.

    Raises `Malformed` with every problem at once.
    """
    way = short_way(event.KIND)
    encoded = None if way is None else way.encode(event)
    if encoded is not None:
        return encoded
    try:
        return check_body(event.KIND, body_of(event))
    except TypeError as error:
        reasons = [f"{error}: only JSON values can be recorded"]
        raise Malformed(
            f"{event.KIND.name} is not recorded", hint="convert the value first", reasons=reasons
        ) from error


class ShortWay:
    """The short way of one kind. The types of its class say all there is to say of its values."""

    def __init__(self, kind: Kind, fields: dict[str, Any]) -> None:
        self._kind = kind
        self._count = len(fields)
        self._decoder = msgspec.json.Decoder(msgspec.defstruct("Body", list(fields.items())))
        self._of_object = operator.attrgetter(*fields)
        self._of_body = operator.itemgetter(*fields)
        marked = _marked_fields(kind.event, "blob") + _marked_fields(kind.event, "entry")
        self._is_silent = kind.event.problems is Event.problems and not marked

    def encode(self, value: dict[str, Any] | Event) -> bytes | None:
        """The bytes of a body that is beyond doubt, else None.

        They are read again: that checks every type, and what comes back must be equal to what went
        in, or JSON could not hold it (NaN becomes null, the key 1 becomes "1").
        """
        try:
            encoded = canonical.encode(value)
            read = self._of_object(self._decoder.decode(encoded))
            if isinstance(value, dict):
                is_same = len(value) == self._count and self._of_body(value) == read
            else:
                is_same = self._of_object(value) == read
            is_sound = is_same and not (
                # An odd key: not printable, not ASCII, empty.
                b"\\" in encoded or b'"":' in encoded or b"\x7f" in encoded or not encoded.isascii()
            )
            if is_sound and not self._is_silent:
                event = self._kind.event(**value) if isinstance(value, dict) else value
                is_sound = not (_digest_problems(self._kind, event) or any(event.problems()))
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError):
            return None
        return encoded if is_sound else None


def short_way(kind: Kind) -> ShortWay | None:
    """The short way of a kind, if it has one."""
    if kind.event not in _SHORT_WAYS:
        exact = {name: bounded(type_) for name, type_ in field_types(kind.event).items()}
        way = None if None in exact.values() else ShortWay(kind, exact)
        _SHORT_WAYS[kind.event] = way
    return _SHORT_WAYS[kind.event]


def bounded(wanted: Any) -> Any:  # noqa: ANN401 - any type expression
    """A type whose integers are those of canonical JSON; None where it does not say it all.

    A float that may not be an integer would be read back from one, and be spelled differently.
    """
    if wanted is int:
        return Annotated[int, msgspec.Meta(ge=-canonical.MAX_INTEGER, le=canonical.MAX_INTEGER)]
    if wanted in (str, bool, type(None)):
        return wanted
    origin, parts = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is Literal:
        return wanted
    if origin is Annotated:
        return bounded(parts[0])
    if origin in (Union, types.UnionType):
        exact = [float if part is float and int in parts else bounded(part) for part in parts]
        return None if None in exact else Union[tuple(exact)]  # noqa: UP007 - a list of types
    if origin is tuple and len(parts) == 2 and parts[1] is ...:
        item = bounded(parts[0])
        return None if item is None else types.GenericAlias(tuple, (item, ...))
    if origin is dict and parts[0] is str:
        item = bounded(parts[1])
        return None if item is None else types.GenericAlias(dict, (str, item))
    return None


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
        except UnicodeEncodeError:  # a lone surrogate, which is among the reasons already
            continue
    if not reasons:
        event: Event = kind.event(**values)
        reasons = _digest_problems(kind, event) or list(event.problems())
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


def _digest_problems(kind: Kind, event: Event) -> list[str]:
    problems = []
    for name in (*_marked_fields(kind.event, "blob"), *_marked_fields(kind.event, "entry")):
        value = getattr(event, name)
        problems += [
            f"{name}: {digest!r} is not sha256: and 64 hex digits"
            for digest in (value if isinstance(value, (list, tuple)) else [value])
            if digest is not None and not ids.is_hash(digest)
        ]
    return problems


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
