"""Reading what llama-eval-callback prints."""

import numpy as np
import pytest
from node_lists import REFERENCE, as_printed, nodes_of

from ml.errors import MalformedTrace
from ml.llama_cpp_nodes import is_whole, parse_nodes, printed


@pytest.mark.parametrize("model", ["f16", "Q8_0", "Q4_K_M"])
@pytest.mark.parametrize("function", ["ggml_debug", "common_debug_cb_eval"])
def test_every_node_is_read(model, function):
    """Name, operation, operands, shape, values, sum; under either name of the tool's function."""
    told = nodes_of(model)
    found = parse_nodes(as_printed(told, function))
    assert [node.name for node in found] == [node["name"] for node in told]
    for ours, theirs in zip(found, told, strict=True):
        assert ours.op == theirs["op"]
        assert ", ".join(map(str, ours.shape)) == theirs["shape"]
        assert [list(row) for row in ours.values] == theirs["vals"]
        assert ours.sum == pytest.approx(theirs["sum"], abs=1e-6)
        assert theirs["src"].startswith(ours.operands[0] + "{")
    assert is_whole(found) == (model == "Q8_0")


def test_four_nodes_of_one_name():
    """`Qcur-0` is told apart by operation and operands."""
    named = [node for node in parse_nodes(as_printed(nodes_of("f16"))) if node.name == "Qcur-0"]
    assert [(node.op, node.operands) for node in named] == [
        ("MUL_MAT", ("blk.0.attn_q.weight", "attn_norm-0")),
        ("ADD", ("Qcur-0", "blk.0.attn_q.bias")),
        ("RESHAPE", ("Qcur-0",)),
        ("ROPE", ("Qcur-0", "inp_pos")),
    ]


def test_a_copy_on_a_card():
    """An operand that was copied to another device is called as it was."""
    text = as_printed(nodes_of("f16")[:2]).replace("RMS_NORM(embd{", "RMS_NORM(CUDA0#embd#0{")
    assert parse_nodes(text)[1].operands == ("embd",)


def test_nan_is_a_value():
    """NaN and infinities are printed as C prints them."""
    text = as_printed(nodes_of("f16")[:1]).replace("-0.0011", "    nan").replace("0.0148", "-inf  ")
    first = parse_nodes(text)[0].values[0]
    assert np.isnan(first[0])
    assert first[2] == -np.inf


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("ggml_debug:", "debug"), "0 nodes"),
        (lambda text: text.replace("0.0148", "0.01x8", 1), "'0.01x8' is no number"),
        (lambda text: text.replace("     -0.0011,", "", 1), "has not the values"),
        (
            lambda text: text.replace("            [", "oops [", 2),
            "inside the values|not the values",
        ),
    ],
)
def test_what_is_no_list_of_nodes(change, said):
    """One error with the line."""
    with pytest.raises(MalformedTrace, match=said):
        parse_nodes(change(as_printed(nodes_of("f16")[:3])))


def test_a_list_that_was_cut():
    """Cut anywhere in its last node, the list is not whole, and that is no error."""
    text = as_printed(nodes_of("Q8_0"))
    begin = text.rindex("ggml_debug")
    for end in range(begin, text.index("sum", begin), 97):
        assert not is_whole(parse_nodes(text[:end]))


def test_what_is_printed():
    """Of each dimension over six, three values at either end."""
    values = np.arange(2 * 8 * 10, dtype=np.float64).reshape(1, 2, 8, 10)
    rows = printed(values)
    assert rows.shape == (2 * 6, 6)
    assert rows[0].tolist() == [0, 1, 2, 7, 8, 9]
    assert rows[3].tolist() == [50, 51, 52, 57, 58, 59]


def test_the_file_that_the_guide_reads():
    """It is what the script writes."""
    kept = (REFERENCE / "tiny4-Q8_0.nodes.txt").read_text(encoding="utf-8")
    assert kept == as_printed(nodes_of("Q8_0"))
