"""Values of any event class, made from its field types: random ones, and one fixed example.

`event_strategy(cls)` gives hypothesis instances, `example_event(cls)` the instance of the golden
file. Both read the annotations only, so a new kind needs nothing here.
"""

import types
import typing
from typing import Annotated, Any, Literal, Union

import attrs
from hypothesis import strategies as st

from ledger.events.base import Event
from ledger.events.form import field_types

DIGEST = "sha256:" + "0123456789abcdef" * 4
#: Which member of a union the example takes: the first of these that it has.
PREFERENCE = (float, int, str, bool)

digests = st.binary(min_size=32, max_size=32).map(lambda raw: "sha256:" + raw.hex())
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,15}", fullmatch=True)
keys = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=8)
texts = st.text(max_size=20)
integers = st.integers(-(2**53), 2**53)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | integers | floats | texts
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def event_strategy(draw: st.DrawFn, cls: type[Event]) -> Event:
    """A sound event of a class. Its tuples share one length, so that tables are rectangular."""
    length = draw(st.integers(0, 3))
    fields = {name: _strategy(wanted, length) for name, wanted in field_types(cls).items()}
    return draw(st.builds(cls, **fields).filter(lambda event: not list(event.problems())))


def _strategy(wanted: Any, length: int) -> st.SearchStrategy:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is Annotated:
        return digests
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([_strategy(part, length) for part in arguments])
    if origin is dict:
        return st.dictionaries(keys, _strategy(arguments[1], length), max_size=3)
    if origin is tuple and arguments[-1] is ...:
        return st.tuples(*[_strategy(arguments[0], length)] * length)
    if origin is tuple:
        return st.tuples(*[_strategy(part, length) for part in arguments])
    if attrs.has(wanted):
        hints = typing.get_type_hints(wanted, include_extras=True)
        return st.builds(wanted, **{name: _strategy(hints[name], length) for name in hints})
    known = {
        str: names | names | texts,
        int: integers,
        float: floats,
        bool: st.booleans(),
        type(None): st.none(),
        Any: json_values,
    }
    return known[wanted]


def example_event(cls: type[Event]) -> Event:
    """The fixed example of a class, the same for ever: golden files are made from it."""
    fields = {name: _example(name, wanted) for name, wanted in field_types(cls).items()}
    event = cls(**fields)
    problems = list(event.problems())
    if problems:
        raise AssertionError(f"{cls.__name__}: the example is not sound: {problems}")
    return event


def _example(name: str, wanted: Any) -> Any:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is Annotated:
        return DIGEST
    if origin is Literal:
        return arguments[0]
    if origin in (Union, types.UnionType):
        preferred = [kind for kind in PREFERENCE if kind in arguments]
        others = [part for part in arguments if part is not type(None)]
        return _example(name, (preferred or others)[0])
    if origin is dict:
        return {key: _example(key, arguments[1]) for key in ("b_key", "a_key")}
    if origin is tuple and arguments[-1] is ...:
        return (_example(name, arguments[0]),) * 2
    if origin is tuple:
        return tuple(_example(name, part) for part in arguments)
    if attrs.has(wanted):
        hints = typing.get_type_hints(wanted, include_extras=True)
        return wanted(**{field: _example(field, hints[field]) for field in hints})
    known = {str: f"{name}-1", int: 7, float: 0.1, bool: True, Any: ["é", None, 1.5]}
    return known[wanted]
