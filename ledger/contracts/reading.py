"""From the bytes of a contract file to its typed parts, with every problem of form on the way."""

import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final, Union

import attrs
import msgspec

from ledger.contracts.base import FORM, YAML, Document, Finding, Located
from ledger.contracts.nodes import Mark, Node, Problem, read_tree
from ledger.contracts.schema import CLASSES, Constant, ConstantOf, Contract, Metadata, Row
from ledger.errors import Malformed

HINT: Final = "`ledger contract schema` has every field; spec/formats/contract.md an example"
#: The type of each field of each class.
_TYPES: Final[Mapping[type[Any], Mapping[str, Any]]] = {
    cls: typing.get_type_hints(cls, include_extras=True) for cls in CLASSES
}
#: What stands in for a field that must be there.
_STAND_INS: Final[Mapping[type[Any], Mapping[str, Any]]] = {
    Metadata: {"contract": "?", "version": "?", "title": "?"},
    Constant: {"name": "?", "formula": "1", "value": 1, "unit": "?"},
    Row: {
        "name": "?", "title": "?", "metric": "?", "operator": "==", "threshold": True,
        "blocking": True, "binding": {}, "test": "?", "prediction": "?", "if_fails": "?",
    },
}  # fmt: skip
_WORDS: Final = (("Expected ", "expected "), (" - at `$", " at `"), ("`null`", "null"))


def read_document(data: bytes, file: str) -> Document:
    """Read a file as far as it can be read.

    Raises `Malformed`, with the offset in bytes, for what is no YAML.
    """
    root, problems = read_tree(data)
    findings = [_finding(file, YAML, problem) for problem in problems]
    found: list[Problem] = []
    if isinstance(root.value, dict):
        _check_keys(root, Contract, "", found)
        _read_field(root, Contract, "format", "", found)
    else:
        found.append((root.mark, "a contract is a mapping of format, metadata, constants and rows"))
    values = root.value if isinstance(root.value, dict) else {}
    stated = [values["metadata"]] if "metadata" in values else []
    row_nodes = _items(values, "rows", found)
    told = frozenset(at for at, _ in problems)
    metadata = [_read(node, Metadata, "metadata", found, told) for node in stated]
    constants = [
        _read(node, Constant, f"constants[{number}]", found, told)
        for number, node in enumerate(_items(values, "constants", found))
    ]
    rows = [_read(node, Row, f"rows[{n}]", found, told) for n, node in enumerate(row_nodes)]
    # What is misread has no right type either: that is told once.
    findings += [_finding(file, FORM, problem) for problem in found if problem[0] not in told]
    return Document(
        file=file,
        data=data,
        metadata=next(filter(None, metadata), None),
        constants=tuple(filter(None, constants)),
        rows=tuple(filter(None, rows)),
        names=tuple(_names(row_nodes)),
        findings=tuple(findings),
    )


def look_at(data: bytes, file: str) -> Document:
    """Read a file as far as it can be read; that it is no YAML is a finding like any other."""
    try:
        return read_document(data, file)
    except Malformed as error:
        before = data[: error.offset or 0].decode("utf-8", errors="replace")
        at = Mark(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        return Document(
            file=file,
            data=data,
            metadata=None,
            constants=(),
            rows=(),
            names=(),
            findings=(_finding(file, YAML, (at, f"{error.message}; {error.hint}")),),
        )


def parse_contract(data: bytes, file: str = "contract") -> Contract:
    """The contract that a file says. Raises `Malformed` with every problem of form at once."""
    document = read_document(data, file)
    if document.findings or document.metadata is None:
        raise Malformed(
            f"{file} is no contract", hint=HINT, reasons=[str(one) for one in document.findings]
        )
    return Contract(
        format="contract/v1",
        metadata=document.metadata.value,
        constants=tuple(one.value for one in document.constants),
        rows=tuple(one.value for one in document.rows),
    )


def _finding(file: str, check: str, problem: Problem) -> Finding:
    mark, text = problem
    return Finding(file=file, line=mark.line, column=mark.column, check=check, text=text)


def _items(values: Mapping[str, Node], name: str, found: list[Problem]) -> list[Node]:
    """The items of a list at the top of the file."""
    node = values.get(name)
    if node is None:
        return []
    if not isinstance(node.value, list):
        found.append((node.mark, f"{name}: expected a list"))
        return []
    if name == "rows" and not node.value:
        found.append((node.mark, "rows: a contract demands something"))
    return node.value


def _names(rows: list[Node]) -> Iterator[Located[str]]:
    for row in rows:
        name = row.value.get("name") if isinstance(row.value, dict) else None
        if name is not None and isinstance(name.value, str):
            yield Located(value=name.value, mark=name.mark, marks={})


def _read(
    node: Node, cls: type[Any], path: str, found: list[Problem], told: frozenset[Mark]
) -> Located[Any] | None:
    """One typed part of a file, with stand-ins for fields that are missing or wrong.

    So the checks can look at the rest of it. None where it is no mapping.
    """
    if not isinstance(node.value, dict):
        found.append((node.mark, f"{path}: expected a mapping"))
        return None
    _check_keys(node, cls, f"{path}.", found)
    marks = dict(_marks(node))
    misread = {field.partition(".")[0] for field, mark in marks.items() if mark in told}
    values = {}
    for name, field in attrs.fields_dict(cls).items():
        known = len(found)
        value = _read_field(node, cls, name, f"{path}.", found)
        if len(found) > known:
            misread.add(name)
        if name not in node.value and field.default is attrs.NOTHING:
            misread.add(name)
        elif name in node.value and name not in misread:
            values[name] = value
    needed = {name: value for name, value in _STAND_INS[cls].items() if name in misread}
    return Located(
        value=cls(**values, **needed), mark=node.mark, marks=marks, stand_ins=frozenset(misread)
    )


def _marks(node: Node, path: str = "") -> Iterator[tuple[str, Mark]]:
    """Where each field stands, those of fields too."""
    for key, value in node.value.items() if isinstance(node.value, dict) else ():
        yield path + key, value.mark
        yield from _marks(value, f"{path}{key}.")


def _read_object(node: Node, cls: type[Any], path: str, found: list[Problem]) -> Any:  # noqa: ANN401
    if not isinstance(node.value, dict):
        found.append((node.mark, f"{path}: expected a mapping"))
        return None
    known = len(found)
    _check_keys(node, cls, f"{path}.", found)
    values = {
        name: _read_field(node, cls, name, f"{path}.", found)
        for name in _TYPES[cls]
        if name in node.value
    }
    return cls(**values) if len(found) == known else None


def _check_keys(node: Node, cls: type[Any], path: str, found: list[Problem]) -> None:
    """No field that is not known, none missing that must be there."""
    fields = attrs.fields_dict(cls)
    for key, mark in node.keys.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            found.append((mark, f"{path}{key}: unknown field{meant}"))
    for name, field in fields.items():
        if field.default is attrs.NOTHING and name not in node.keys:
            found.append((node.mark, f"{path}{name}: missing"))


def _read_field(node: Node, cls: type[Any], name: str, path: str, found: list[Problem]) -> Any:  # noqa: ANN401
    """The typed value of a field, where it is given."""
    value = node.value[name] if isinstance(node.value, dict) and name in node.value else None
    if value is None:
        return None
    wanted = _TYPES[cls][name]
    inner = _class_in(wanted)
    if inner is None and isinstance(value.value, dict) and ConstantOf in typing.get_args(wanted):
        inner = ConstantOf
    if inner is not None and value.value is not None:
        return _read_object(value, inner, path + name, found)
    try:
        return msgspec.convert(value.plain(), type=wanted)
    except msgspec.ValidationError as error:
        found.append((value.mark, f"{path}{name}: {_plain(str(error), value)}"))
        return None


def _class_in(wanted: Any) -> type[Any] | None:  # noqa: ANN401 - any type expression
    """The class that a field of `Class` or `Class | None` has; None for any other field."""
    is_union = typing.get_origin(wanted) in (Union, types.UnionType)
    parts = [one for one in typing.get_args(wanted) if one is not types.NoneType]
    only = parts[0] if is_union and len(parts) == 1 else wanted
    return only if only in CLASSES and only is not ConstantOf else None


def _plain(message: str, node: Node) -> str:
    for old, new in _WORDS:
        message = message.replace(old, new)
    is_number = isinstance(node.value, (int, float)) and "`str`, got" in message
    return message + ("; quote it" if is_number else "")
