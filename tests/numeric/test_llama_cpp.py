"""Against llama.cpp's own numbers for the same files and ids (tests/data/reference/README.md)."""

import json
import re

import numpy as np
import pytest

MODELS = ("f16", "Q8_0", "Q4_K_M")
ENGINES = ("a", "numpy")
# (name without layer, op, start of the operands) -> point. A name alone is ambiguous.
NODES = {
    ("embd", "GET_ROWS", "token_embd.weight"): "embedding",
    ("attn_norm", "MUL", "norm-"): "attn_norm",
    ("Qcur", "MUL_MAT", "blk."): "q_matmul",
    ("Kcur", "MUL_MAT", "blk."): "k_matmul",
    ("Vcur", "MUL_MAT", "blk."): "v_matmul",
    ("Qcur", "ADD", "Qcur-"): "q_bias",
    ("Kcur", "ADD", "Kcur-"): "k_bias",
    ("Vcur", "ADD", "Vcur-"): "v_bias",
    ("Qcur", "ROPE", "Qcur-"): "q_rope",
    ("Kcur", "ROPE", "Kcur-"): "k_rope",
    ("kqv_out", "CONT", "kqv-"): "attn_mix",
    ("ffn_inp", "ADD", "node_"): "attn_residual",
    ("ffn_norm", "MUL", "norm-"): "ffn_norm",
    ("ffn_gate", "MUL_MAT", "blk."): "ffn_gate",
    ("ffn_up", "MUL_MAT", "blk."): "ffn_up",
    ("ffn_swiglu", "SWIGLU", "ffn_gate-"): "ffn_swigl",
    ("ffn_out", "MUL_MAT", "blk."): "ffn_out",
    ("l_out", "ADD", "ffn_out-"): "output",
    ("result_norm", "MUL", "norm{"): "final_norm",
    ("result_output", "MUL_MAT", "token_embd.weight"): "logits",
}
DERIVED = {"qkv", "ffn_silu"}
UNNAMED_ATTENTION_OUTPUT = re.compile(r"blk\.(\d+)\.attn_output\.weight")


def point_of(node):
    """Return (point, layer) of a node, or None for one that no point stands for."""
    if node["op"] == "MUL_MAT" and (found := UNNAMED_ATTENTION_OUTPUT.match(node["src"])):
        return "attn_out", int(found[1])
    base, _, layer = node["name"].partition("-")
    for (name, op, operands), point in NODES.items():
        if (name, op) == (base, node["op"]) and node["src"].startswith(operands):
            return point, int(layer) if layer else None
    return None


def nodes_with_points(reference, model, trace):
    """Yield (key, node, our activations in the node's shape), last rows where it was gathered."""
    nodes = json.loads((reference / f"tiny4-{model}.llama_cpp_nodes.json").read_text())
    for node in nodes:
        key = point_of(node)
        if key is None:
            continue
        shape = [int(extent) for extent in node["shape"].split(",")][::-1]
        ours = trace.tensors[key].astype(np.float64)
        if ours.size != np.prod(shape):
            ours = ours[-1:]
        yield key, node, ours.reshape(shape)


def printed(values):
    """Return what llama.cpp prints of `[d3, d2, d1, d0]`: the ends of each dimension."""
    ends = [range(n) if n <= 6 else (0, 1, 2, n - 3, n - 2, n - 1) for n in values.shape]
    return values[np.ix_(*ends)].reshape(-1, len(ends[3]))


@pytest.mark.parametrize("engine", ENGINES)
def test_node_sums_on_f16(reference, traced, engine):
    """K and V in f16: sums within 4e-4 of the sum of magnitudes, as far as the list goes."""
    seen = {}
    for key, node, ours in nodes_with_points(reference, "f16", traced("f16", engine, "f16")):
        seen[key] = abs(ours.sum() - node["sum"]) / np.abs(ours).sum()
    worst = max(seen, key=seen.__getitem__)
    assert seen[worst] <= 4e-4, (worst, seen[worst])
    # Every point that is no derived view was met in every layer; this list ends before the logits.
    assert set(seen) == set(traced("f16", engine, "f16").tensors) - {
        key
        for key in traced("f16", engine, "f16").tensors
        if key[0] in DERIVED or key[0] == "logits"
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_node_values_on_f16(reference, traced, engine):
    """Printed values: exact to print precision before any product, else to f16's rounding."""
    for key, node, ours in nodes_with_points(reference, "f16", traced("f16", engine, "f16")):
        difference = np.abs(printed(ours) - np.array(node["vals"])).max()
        exact = key in {("embedding", None), ("attn_norm", 0)}
        # llama.cpp rounds activations to f16 before each product: 4e-3 of the std was reached.
        allowed = 5.1e-5 + (0 if exact else 6e-3 * ours.std())
        assert difference <= allowed, (key, difference)


@pytest.mark.parametrize("model", ["Q8_0", "Q4_K_M"])
def test_node_sums_on_quantised_models(reference, traced, model):
    """llama.cpp quantises activations there and engine a does not: sums within 2e-2.

    4e-3 is reached on Q8_0 and 1.3e-2 on Q4_K_M. A path that quantises activations too can be held
    to more; what no product has touched is exact to print precision here as well.
    """
    for key, node, ours in nodes_with_points(reference, model, traced(model, "a", "f16")):
        assert abs(ours.sum() - node["sum"]) <= 2e-2 * np.abs(ours).sum(), key
        if key in {("embedding", None), ("attn_norm", 0)}:
            assert np.abs(printed(ours) - np.array(node["vals"])).max() <= 5.1e-5


# Reached: f16 8.3e-4, Q8_0 4.29e-2, Q4_K_M 9.76e-2 (both engines alike). The first bar is the
# issue's; the other two are those it sets for a path that quantises activations as llama.cpp does.
LOGIT_BARS = {"f16": 2e-3, "Q8_0": 5e-2, "Q4_K_M": 1e-1}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("model", MODELS)
def test_last_token_logits(reference, traced, model, engine):
    """f32 cache on both sides: rms of the difference over the std of llama.cpp's logits."""
    theirs = np.fromfile(reference / f"tiny4-{model}.llama_cpp_logits_f32.bin", "<f4")
    trace = traced(model, engine, "f32")
    difference = trace.logits.astype(np.float64) - theirs
    assert np.sqrt((difference**2).mean()) <= LOGIT_BARS[model] * theirs.std()
    assert trace.top(1)[0][0] == int(theirs.argmax())
