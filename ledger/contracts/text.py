"""A contract as the text of a file: what `reading.parse_contract` reads back, field by field."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import attrs

from ledger.contracts.nodes import Node, read_tree
from ledger.contracts.schema import Constant, ConstantOf, Contract, Evidence, Metadata, Row
from ledger.errors import Malformed

#: Words that stand without quotes, if they are read back as they are.
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _./@()*+-]*")
_INDENT: Final = "  "


def format_contract(contract: Contract) -> bytes:
    """The bytes of a file that says this; what is left out is not written."""
    return "".join(f"{line}\n" for line in _object_lines(_object(contract), "")).encode()


def starting_contract(name: str, model: str | None) -> Contract:
    """A contract to begin with: one constant and one row, to be written over."""
    return Contract(
        format="contract/v1",
        metadata=Metadata(
            contract=name, version="1.0.0", title="what is demanded, and of what", model=model
        ),
        constants=(
            Constant(name="uniform-loss", formula="ln(50257)", value=10.824905, unit="nats"),
        ),
        rows=(
            Row(
                name="LOSS-BELOW-UNIFORM",
                title="the final loss on held-out data is below that of guessing",
                metric="loss_final",
                operator="<=",
                threshold=ConstantOf(constant="uniform-loss"),
                unit="nats",
                blocking=True,
                binding={"data": "held-out"},
                test="the held-out loss after the last step of a training run",
                prediction="a model that learned anything is well below",
                if_fails="the run learned nothing: look at the data before the model",
                evidence=Evidence(provenance=("measured",)),
                stop_rule={"rule": "after 1000 steps, whatever the loss is"},
            ),
        ),
    )


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any class of the schema
    """The fields that are not as they would be if left out."""
    return {
        field.name: getattr(value, field.name)
        for field in attrs.fields(type(value))
        if field.default is attrs.NOTHING or getattr(value, field.name) != field.default
    }


def _lines(key: str, value: Any, indent: str) -> Iterator[str]:  # noqa: ANN401
    """`key: value`, with what is nested below it."""
    if attrs.has(type(value)):
        value = _object(value)
    if isinstance(value, dict) and value:
        yield f"{indent}{key}:"
        yield from _object_lines(value, indent + _INDENT)
    elif isinstance(value, (list, tuple)) and value:
        yield f"{indent}{key}:"
        for item in value:
            yield from _item_lines(item, indent + _INDENT)
    else:
        yield f"{indent}{key}: {_scalar(value)}"


def _object_lines(value: dict[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        yield from _lines(_scalar(key), item, indent)


def _item_lines(item: Any, indent: str) -> Iterator[str]:  # noqa: ANN401
    """An item of a list; the first field of an object stands beside its dash."""
    if attrs.has(type(item)):
        item = _object(item)
    if isinstance(item, dict) and item:
        first, *rest = _object_lines(item, indent + _INDENT)
        yield f"{indent}- {first.lstrip()}"
        yield from rest
    elif isinstance(item, (list, tuple)) and item:
        yield f"{indent}-"
        for inner in item:
            yield from _item_lines(inner, indent + _INDENT)
    else:
        yield f"{indent}- {_scalar(item)}"


def _scalar(value: Any) -> str:  # noqa: ANN401 - any JSON value that has no parts
    if isinstance(value, str):
        return value if _stands_plain(value) else _quoted(value)
    return json.dumps([] if value == () else value)


def _stands_plain(text: str) -> bool:
    """Whether a text without quotes is read back as it is."""
    if _PLAIN.fullmatch(text) is None or text.endswith(" "):
        return False
    try:
        root, problems = read_tree(f"- {text}\n".encode())
    except Malformed:
        return False
    return not problems and root.value == [Node(value=text, mark=root.value[0].mark)]  # type: ignore[index,union-attr]


def _quoted(text: str) -> str:
    """A text in double quotes; what does not print is escaped."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08X}"
