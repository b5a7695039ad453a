"""YAML as a tree of values that know their line: strict, small, and without surprises.

PyYAML's safe loader splits the text into events; the tree is made here, since its own would forget
where things stand, keep the last of two equal keys, follow anchors and read `no` as false.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import attrs
import yaml

from ledger.canonical import MAX_INTEGER
from ledger.errors import Malformed

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 16
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS: Final[dict[str, object]] = {"true": True, "false": False, "null": None, "~": None, "": None}
#: What YAML 1.1 reads as a truth value and PyYAML does not.
_LETTERS: Final = ("y", "Y", "n", "N")
_HINT: Final = 'spec/formats/contract.md has an example; quote ">=", ">" and "!="'


@attrs.frozen(slots=True, order=True)
class Mark:
    """A place in a file; lines and columns count from 1."""

    line: int
    column: int


@attrs.frozen(slots=True, kw_only=True)
class Node:
    """A value and where it stands; the keys of a mapping stand somewhere, too."""

    value: "Value"
    mark: Mark
    keys: dict[str, Mark] = attrs.field(factory=dict)

    def plain(self) -> Any:  # noqa: ANN401 - any JSON value
        """The value without its places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


Value: TypeAlias = "dict[str, Node] | list[Node] | str | int | float | bool | None"
#: A problem that does not stop the reading: where, and what.
Problem = tuple[Mark, str]


def read_tree(data: bytes) -> tuple[Node, list[Problem]]:
    """The tree of a file, and its problems that are no error of syntax.

    Raises `Malformed`, with the offset in bytes, for what is no YAML, and for what is too large.
    """
    if len(data) > MAX_BYTES:
        raise Malformed(
            f"{len(data)} bytes are too many for a contract ({MAX_BYTES} are allowed)",
            hint="split it into several contracts",
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8", offset=error.start, hint="save the file as UTF-8") from error
    try:
        reader = _Reader(text)
        return reader.document(), reader.problems
    except yaml.reader.ReaderError as error:
        raise _malformed(text, error.position, "a character that YAML does not allow") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(filter(None, (error.context, error.problem)))
        raise _malformed(text, mark.index if mark else 0, words) from error
    except (ValueError, OverflowError) as error:
        # An escape such as "\UFFFFFFFF" is no character, and PyYAML does not say so itself.
        raise Malformed(f"no YAML: {error}", offset=0, hint=_HINT) from error


def _malformed(text: str, index: int, words: str) -> Malformed:
    before = text[:index]
    line, column = before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1
    return Malformed(
        f"no YAML: {words} (line {line}, column {column})",
        offset=len(before.encode()),
        hint=_HINT,
    )


class _Reader:
    """One pass over the events of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.SafeLoader)
        self.problems: list[Problem] = []

    def document(self) -> Node:
        """The first document; that there are more is a problem."""
        next(self._events)  # the stream starts
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return Node(value=None, mark=Mark(1, 1))
        root = self._node(next(self._events), 0)
        next(self._events)  # the document ends
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._found(_mark(event), "a second document begins: one contract a file")
        return root

    def _found(self, mark: Mark, text: str) -> None:
        self.problems.append((mark, text))

    def _node(self, event: Any, depth: int) -> Node:  # noqa: ANN401 - PyYAML's events
        mark = _mark(event)
        if event.anchor is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            self._found(mark, f"{sign}{event.anchor}: no anchors; say it again where it is meant")
        if isinstance(event, yaml.AliasEvent):
            return Node(value=None, mark=mark)
        if event.tag is not None:
            self._found(mark, f"{event.tag}: no tags; a value is what it looks like")
        if isinstance(event, yaml.ScalarEvent):
            return Node(value=self._scalar(event, mark), mark=mark)
        if depth == MAX_DEPTH:
            raise _malformed(
                self._text, event.start_mark.index, f"nested deeper than {MAX_DEPTH} levels"
            )
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(value=list(self._items(depth)), mark=mark)
        return self._mapping(mark, depth)

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _mapping(self, mark: Mark, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, at = self._key(event, depth), _mark(event)
            value = self._node(next(self._events), depth + 1)
            if key is not None and key in values:
                self._found(at, f"{key} is given in line {keys[key].line} already")
            elif key is not None:
                values[key], keys[key] = value, at
        return Node(value=values, mark=mark, keys=keys)

    def _key(self, event: Any, depth: int) -> str | None:  # noqa: ANN401 - PyYAML's events
        known = len(self.problems)
        key = self._node(event, depth + 1).value
        if isinstance(key, str):
            return key
        self.problems[known:] = [(_mark(event), _key_problem(event))]
        return None

    def _scalar(self, event: Any, mark: Mark) -> str | int | float | bool | None:  # noqa: ANN401
        text: str = event.value
        if event.style is not None:
            return self._text_of(text, mark)
        if text in _WORDS:
            return _WORDS[text]  # type: ignore[return-value]
        number = _NUMBER.fullmatch(text)
        if number is not None:
            return self._number(text, mark, is_whole=not any(number.groups()))
        if text in _LETTERS or _is_surprise(text):
            self._found(mark, f"{text}: programs read this in several ways; {_meant(text)}")
            return None
        return self._text_of(text, mark)

    def _text_of(self, text: str, mark: Mark) -> str | None:
        if any("\ud800" <= char <= "\udfff" for char in text):
            self._found(mark, "a lone surrogate, which UTF-8 cannot hold")
            return None
        return text

    def _number(self, text: str, mark: Mark, *, is_whole: bool) -> int | float | None:
        value: int | float = float(text)
        if is_whole and math.isfinite(value):
            value = int(text)
        if not math.isfinite(value) or (is_whole and abs(value) > MAX_INTEGER):
            self._found(mark, f"{text[:40]}: beyond what a number here can be")
            return None
        return value


def _mark(event: Any) -> Mark:  # noqa: ANN401 - PyYAML's events
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _is_surprise(text: str) -> bool:
    """Whether YAML 1.1 takes a plain word for something else than text."""
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    return any(pattern.match(text) for _, pattern in resolvers.get(text[:1], ()))


def _meant(text: str) -> str:
    if text.lower() in ("yes", "no", "on", "off", "y", "n", "true", "false", "null"):
        return "write true, false or null, or quote it as text"
    return "write it as JSON has it (0.5, 1e-3, 1000), or quote it as text"


def _key_problem(event: Any) -> str:  # noqa: ANN401 - PyYAML's events
    if not isinstance(event, yaml.ScalarEvent):
        return "a key is text, not a list, mapping or alias"
    if event.value == "<<":
        return "<<: no merge keys; say it again where it is meant"
    return f"{json.dumps(event.value[:60])}: a key is text; quote it"
