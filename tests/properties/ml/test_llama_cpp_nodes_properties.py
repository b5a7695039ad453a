"""Node lists: what is printed is read back, and nothing that is no list gets past the reader."""

import contextlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from node_lists import as_printed, nodes_of

from ml.errors import MalformedTrace
from ml.llama_cpp_nodes import parse_nodes, printed

NAMES = st.from_regex(
    r"[A-Za-z_][A-Za-z0-9_.]{0,12}(-[0-9]{1,3})?( \((view|reshaped)\))?", fullmatch=True
)
EXTENTS = st.integers(1, 9)
TEXT = as_printed(nodes_of("Q8_0")[:6])


@st.composite
def nodes(draw):
    """A node of any small shape, its values with four decimals."""
    shape = [draw(EXTENTS) for _ in range(3)] + [1]
    seed = draw(st.integers(0, 2**32 - 1))
    values = np.random.default_rng(seed).normal(size=shape[::-1]).round(4)
    operands = ", ".join(f"{draw(NAMES)}{{{', '.join(map(str, shape))}}}" for _ in range(2))
    return {
        "name": draw(NAMES),
        "dt": "f32",
        "op": draw(st.sampled_from(["MUL", "ADD", "MUL_MAT", "ROPE"])),
        "src": operands + "}",
        "shape": ", ".join(map(str, shape)),
        "vals": printed(values).tolist(),
        "sum": float(f"{values.sum():.6f}"),
    }


@given(st.lists(nodes(), min_size=1, max_size=4))
def test_what_is_printed_is_read(told):
    """Any shapes, names, operations and operands."""
    found = parse_nodes(as_printed(told))
    assert len(found) == len(told)
    for ours, theirs in zip(found, told, strict=True):
        assert (ours.name, ours.op) == (theirs["name"], theirs["op"])
        assert [list(row) for row in ours.values] == theirs["vals"]
        assert ours.sum == theirs["sum"]
        assert len(ours.operands) == 2


@given(st.data())
def test_a_damaged_list(data):
    """Cut, spliced or overwritten: nodes or one error, never anything else."""
    begin = data.draw(st.integers(0, len(TEXT)))
    end = data.draw(st.integers(begin, len(TEXT)))
    middle = data.draw(
        st.text(max_size=40) | st.sampled_from(["[", "],", "sum = x", "\n", "..., "])
    )
    with contextlib.suppress(MalformedTrace):
        for node in parse_nodes(TEXT[:begin] + middle + TEXT[end:]):
            assert node.name
            assert len(node.shape) == 4


@given(st.text(max_size=400))
def test_any_text(text):
    """Text without a node is refused."""
    with contextlib.suppress(MalformedTrace):
        parse_nodes(text)
        raise AssertionError("no node was printed")
