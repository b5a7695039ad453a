"""What an event kind is: a frozen class of typed fields, plus the facts in its `Kind`.

A kind is identified by (kind, schema version), never by a Python path. Its fields have no default
values, because a default is a silent migration. Every field has a docstring with its meaning and
unit; `ledger record KIND --help`, the reference page and the form check are made from the class.

Adding a kind is one class, listed in `ledger/events/__init__.py`.
"""

import ast
import functools
import inspect
import itertools
import string
import textwrap
from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar, dataclass_transform

import attrs

from ledger import ids

Family = Literal["instrument", "decided", "reported"]
#: What each family means for `record`: who checks what before the event is appended.
FAMILIES: Final[dict[Family, str]] = {
    "instrument": "a measurement: checked for form only, no database is asked",
    "decided": "a claim, criterion or verdict: the rules run first",
    "reported": "what others stated elsewhere: provenance asserted, never refused by judgement",
}

#: How a number came about. Only measured evidence, or what derives from it alone, discharges.
Provenance = Literal["measured", "derived", "asserted", "synthetic"]
#: A finite number, or one of three strings that JSON has no number for.
Number = int | float | Literal["NaN", "Infinity", "-Infinity"]
Operator = Literal["<=", ">=", "<", ">", "==", "!="]
#: Annotations that tell `record` and `audit` what a text field refers to.
BlobDigest = Annotated[str, "blob"]
EntryHash = Annotated[str, "entry"]
#: The SHA-256 of a file that this ledger need not have.
FileDigest = Annotated[str, "digest"]

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
#: What an event changes for later decisions: (key, value) pairs; the latest value of a key holds.
Standings = Iterable[tuple[str, str]]


@attrs.frozen(slots=True, kw_only=True)
class Kind:
    """The facts of a kind. `stream` names its stream with fields of the body in braces."""

    name: str
    version: int
    family: Family
    stream: str
    event: type[Any]
    upcasts: tuple[Upcast, ...]

    @property
    def summary(self) -> str:
        """The first line of the class docstring."""
        return (self.event.__doc__ or "").strip().splitlines()[0]

    def stream_of(self, event: "Event") -> str | None:
        """The stream this event belongs to, or None where the recorder names it."""
        values = {name: getattr(event, name) for name in _names_in(self.stream)}
        if any(value is None for value in values.values()):
            return "ledger"
        filled = self.stream.format(**values)
        return None if filled.endswith("*") else filled

    def upcast(self, body: dict[str, Any], version: int) -> dict[str, Any]:
        """Bring the body of an older version to this one, a version at a time."""
        for step in self.upcasts[version - 1 :]:
            body = step(body)
        return body


@functools.cache
def _names_in(pattern: str) -> tuple[str, ...]:
    """The names in braces of a stream pattern."""
    return tuple(name for _, name, _, _ in string.Formatter().parse(pattern) if name)


class Event:
    """Base of event classes: the three questions a kind may answer beyond its fields."""

    __slots__ = ()
    KIND: ClassVar[Kind]

    def problems(self) -> Iterable[str]:
        """What a type cannot say: relations between fields. Empty when the event is sound."""
        return ()

    def standings(self) -> Standings:
        """What later decisions must know of this event."""
        return ()

    def listings(self) -> Iterable[str]:
        """The lists under which later decisions must find this event, each with all of its members.

        A standing is the latest; a list is all of them, such as the rows of a model.
        """
        return ()


@attrs.frozen(slots=True, kw_only=True)
class UnknownEvent:
    """An entry of a kind or version this program does not know: kept, hashed, not projected."""

    kind: str
    schema_version: int
    body: dict[str, Any]


E = TypeVar("E", bound=Event)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(
    kind: str, *, version: int, family: Family, stream: str, upcasts: tuple[Upcast, ...] = ()
) -> Callable[[type[E]], type[E]]:
    """Declare the decorated class as event kind `kind`, schema version `version`.

    `stream` is a pattern such as `run/{run}`; a pattern ending in `*` is filled by the recorder.
    """
    if not ids.is_kind(kind) or len(upcasts) != version - 1:
        raise AssertionError(f"{kind} v{version}: bad name, or not one upcast for each old version")

    def declare(cls: type[E]) -> type[E]:
        """Freeze the class and attach its `KIND`."""
        frozen: type[Any] = attrs.frozen(slots=True, kw_only=True)(cls)
        if any(field.default is not attrs.NOTHING for field in attrs.fields(frozen)):
            raise AssertionError(f"{kind}: event fields have no default values")
        frozen.KIND = Kind(
            name=kind, version=version, family=family, stream=stream, event=frozen, upcasts=upcasts
        )
        return frozen

    return declare


def field_docs(cls: type[Any]) -> dict[str, str]:
    """The docstring under each field of an event class, including inherited fields."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if "__attrs_attrs__" not in base.__dict__:
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for statement, following in itertools.pairwise(body):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                docs[statement.target.id] = _text_of(following)
    return docs


def _text_of(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split())
    return ""
