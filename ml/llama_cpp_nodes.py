"""What `llama-eval-callback` of llama.cpp prints: the nodes of its graph, with their ends and sums.

A node is a line that names it, its type, operation, operands and shape, then its values, of each
dimension over six the first three and the last three, then their sum:

    ggml_debug:  ffn_inp-0 = (f32)  ADD(node_31{256, 7, 1, 1}, embd{256, 7, 1, 1}}) = {256, 7, 1, 1}
        [
            [
                [   -0.7540,     0.2872,     2.3069,   ...,    -0.2410,     0.8649,    -0.9249  ],

Lines of other kinds stand between nodes and are passed over; inside a node they are an error. The
tool drops the end of its output now and then: a list that lacks the logits is not whole, and who
runs the tool runs it again.
"""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.errors import MalformedTrace

#: Of each dimension longer than twice this, so many values are printed at either end.
ENDS: Final = 3
#: Values are printed with four decimals.
PRECISION: Final = 5.1e-5
LAST_NODE: Final = "result_output"
_MOST_NODES: Final = 100_000
_SHAPE: Final = r"\{(\d{1,9}(?:, \d{1,9}){3})\}"
_HEAD: Final = re.compile(
    rf"\S*: +(?P<name>\S.*?) = \((?P<type>\w+)\) +(?P<op>\w+)\((?P<operands>.*)\}}\) = {_SHAPE}\s*"
)
_OPERAND: Final = re.compile(rf"(?P<name>.+?){_SHAPE}(?:, |$)")
_COPY: Final = re.compile(r"[A-Za-z_]+\d*#(.+)#\d+")
_NUMBER: Final = re.compile(r"-?(?:\d+\.\d+|nan|inf)")
_SUM: Final = re.compile(r"\s*sum = (-?(?:\d+\.\d+|nan|inf))\s*")
_FRAME: Final = re.compile(r"\s*(?:\[|\],?|\.\.\., ?)\s*")
_ROW: Final = re.compile(r"\s*\[\s*(?P<values>[^\[\]]+?)\s*\],?\s*")


@frozen(kw_only=True)
class Node:
    """One node. A name alone is ambiguous: `Qcur-0` names four of them."""

    name: str
    op: str
    operands: tuple[str, ...]
    """Their names, in order."""
    shape: tuple[int, int, int, int]
    """Extents, the fastest first, as GGML counts."""
    values: tuple[tuple[float, ...], ...]
    """What is printed: row by row, the slowest dimension outermost; empty for a quantised node."""
    sum: float
    line: int
    """Where it begins, from 1."""


def parse_nodes(text: str) -> tuple[Node, ...]:
    """Return the nodes in their order. Raises `MalformedTrace` with the line that is wrong."""
    lines = text.splitlines()
    heads = [i for i, line in enumerate(lines) if _HEAD.fullmatch(line)]
    if not heads or len(heads) > _MOST_NODES:
        raise MalformedTrace(
            f"{len(heads)} nodes are printed", hint="give what llama-eval-callback printed"
        )
    ends = [*heads[1:], len(lines)]
    return tuple(_node(lines, i, end) for i, end in zip(heads, ends, strict=True))


def is_whole(nodes: tuple[Node, ...]) -> bool:
    """Return whether the list reaches the logits: the tool drops the end now and then."""
    return any(node.name == LAST_NODE and node.values for node in nodes)


def printed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is printed of `[d3, d2, d1, d0]`: the ends of each dimension, `[rows, values]`.

    Up to six values of a dimension are all printed.
    """
    ends = [
        range(n) if n <= 2 * ENDS else (*range(ENDS), *range(n - ENDS, n)) for n in values.shape
    ]
    return values[np.ix_(*ends)].reshape(-1, len(ends[3]))


def _node(lines: list[str], begin: int, end: int) -> Node:
    head = _HEAD.fullmatch(lines[begin])
    if head is None:  # the caller found it by this very pattern
        raise ValueError(lines[begin])
    rows, total = _body(lines, begin, end)
    d0, d1, d2, d3 = (int(part) for part in head[head.lastindex or 0].split(", "))
    shown = [min(n, 2 * ENDS) for n in (d0, d1, d2, d3)]
    if total is not None and [len(row) for row in rows] != [shown[0]] * (
        shown[1] * shown[2] * shown[3]
    ):
        raise _bad(begin, f"{head['name']} has not the values that its shape prints")
    return Node(
        name=head["name"],
        op=head["op"],
        operands=tuple(_plain(match["name"]) for match in _OPERAND.finditer(head["operands"])),
        shape=(d0, d1, d2, d3),
        values=tuple(rows) if total is not None else (),
        sum=float("nan") if total is None else total,
        line=begin + 1,
    )


def _plain(name: str) -> str:
    """Return an operand's name without the device that holds a copy: `CUDA0#embd#0` is `embd`."""
    copied = _COPY.fullmatch(name)
    return copied[1] if copied else name


def _body(lines: list[str], begin: int, end: int) -> tuple[list[tuple[float, ...]], float | None]:
    """Return the rows of a node and its sum; None where its values are not, or not all, there."""
    rows: list[tuple[float, ...]] = []
    total: float | None = None
    is_open = False
    for number in range(begin + 1, end):
        line = lines[number]
        if found := _SUM.fullmatch(line):
            total = float(found[1])  # of the whole tensor, however often it is printed
        elif found := _ROW.fullmatch(line):
            rows.append(tuple(_numbers(found["values"], number)))
        elif _FRAME.fullmatch(line):
            is_open = True
        elif is_open and total is None and number < len(lines) - 1:
            raise _bad(number, "something else stands inside the values of a node")
        else:
            break  # between nodes: what else the program has to say; or the output was cut here
    return rows, total


def _numbers(text: str, number: int) -> Iterator[float]:
    for part in re.split(r",\s*", text):
        if part.strip() == "...":
            continue
        if not _NUMBER.fullmatch(part.strip()):
            raise _bad(number, f"{part.strip()!r} is no number")
        yield float(part)


def _bad(index: int, what: str) -> MalformedTrace:
    return MalformedTrace(
        f"line {index + 1}: {what}", hint="give what llama-eval-callback printed, unchanged"
    )
