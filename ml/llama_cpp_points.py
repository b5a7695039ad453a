"""Which node of llama.cpp's graph is which capture point: one table, by name, op and operand.

Nodes that only move, reshape or copy, and the inside of attention, are no points. Any other node
that the table lacks is an error, as is a point that no node stands for: a gap would be taken for
agreement.
"""

import re
from collections.abc import Iterable
from typing import Final

from ml import points
from ml.architectures import Model
from ml.errors import MalformedTrace
from ml.llama_cpp_nodes import LAST_NODE, Node
from ml.points import Place, Scope

#: (name without its layer, op, what the first operand must be) -> point.
_TABLE: Final = (
    (r"embd|inp_embd", "GET_ROWS", r"token_embd\.weight", "embedding"),
    (r"attn_norm", "MUL", r"norm-\d+", "attn_norm"),
    (r".*", "MUL_MAT", r"blk\.\d+\.attn_q\.weight", "q_matmul"),
    (r".*", "MUL_MAT", r"blk\.\d+\.attn_k\.weight", "k_matmul"),
    (r".*", "MUL_MAT", r"blk\.\d+\.attn_v\.weight", "v_matmul"),
    (r"Qcur", "ADD", r"Qcur-\d+", "q_bias"),
    (r"Kcur", "ADD", r"Kcur-\d+", "k_bias"),
    (r"Vcur", "ADD", r"Vcur-\d+", "v_bias"),
    (r"Qcur", "ROPE", r"Qcur(?:_normed)?-\d+.*", "q_rope"),
    (r"Kcur", "ROPE", r"Kcur(?:_normed)?-\d+.*", "k_rope"),
    (r"kqv_out", "CONT", r"kqv-\d+.*", "attn_mix"),
    (r".*", "MUL_MAT", r"blk\.\d+\.attn_output\.weight", "attn_out"),
    (r"ffn_inp", "ADD", r".*", "attn_residual"),
    (r"ffn_norm", "MUL", r"norm-\d+", "ffn_norm"),
    (r".*", "MUL_MAT", r"blk\.\d+\.ffn_gate\.weight", "ffn_gate"),
    (r".*", "MUL_MAT", r"blk\.\d+\.ffn_up\.weight", "ffn_up"),
    (r"ffn_swiglu", "SWIGLU|GLU", r"ffn_gate-\d+", "ffn_swigl"),
    (r".*", "MUL_MAT", r"blk\.\d+\.ffn_down\.weight", "ffn_out"),
    (r"l_out", "ADD", r"ffn_out-\d+", "output"),
    (r"result_norm", "MUL", r"norm", "final_norm"),
    (LAST_NODE, "MUL_MAT", r"token_embd\.weight|output\.weight", "logits"),
)
#: Operations that give no new number, or one inside attention, or a norm before its weight.
_NO_POINT: Final = frozenset(
    ("VIEW", "RESHAPE", "PERMUTE", "TRANSPOSE", "CONT", "CPY", "SET_ROWS", "GET_ROWS", "RMS_NORM",
     "SOFT_MAX", "SCALE")
)  # fmt: skip
#: Inside attention, and the heads of q and k after their norm: q_rope and k_rope come behind it.
_INSIDE: Final = re.compile(r"kqv?-\d+|[QK]cur_normed-\d+")
_LAYERED: Final = re.compile(r"(.*?)-(\d+)")
_BLOCK: Final = re.compile(r"blk\.(\d+)\..*")


def places(nodes: Iterable[Node], model: Model) -> dict[Place, Node]:
    """Return the node of each point. Raises `MalformedTrace` for nodes that the table lacks."""
    found: dict[Place, Node] = {}
    unknown: list[str] = []
    for node in nodes:
        place = _place(node)
        if place is not None:
            found.setdefault(place, node)
        elif node.op not in _NO_POINT and not _INSIDE.fullmatch(node.name):
            unknown.append(f"{node.name} = {node.op}({', '.join(node.operands)}), line {node.line}")
    if unknown:
        shown = "; ".join(unknown[:5]) + ("; …" if len(unknown) > 5 else "")
        raise MalformedTrace(
            f"{len(unknown)} nodes are no point of {model.config.architecture} that is known: "
            f"{shown}",
            hint="run llama.cpp with flash attention off (-fa off), on the same model",
        )
    return found


def missing(found: Iterable[Place], model: Model) -> list[Place]:
    """Return the points that should have a node and have none, in the order of computation."""
    stated = set(found)
    unbiased = {f"{name}_bias" for name in "qkv" if f"attn_{name}" not in model.config.biases}
    wanted = frozenset(point.id for point in points.POINTS if not point.derived) - unbiased
    return [
        (point.id, layer)
        for point, layer in points.in_order(wanted, model.config.layers)
        if (point.id, layer) not in stated
    ]


def _place(node: Node) -> Place | None:
    first = node.operands[0] if node.operands else ""
    layered = _LAYERED.fullmatch(node.name)
    name = layered[1] if layered else node.name
    for names, ops, operand, point in _TABLE:
        if (
            re.fullmatch(names, name)
            and re.fullmatch(ops, node.op)
            and re.fullmatch(operand, first)
        ):
            if points.BY_ID[point].scope is Scope.MODEL:
                return point, None
            number = _BLOCK.fullmatch(first) or layered
            return (point, int(number[number.lastindex or 0])) if number else None
    return None
