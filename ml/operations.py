"""What each capture point is computed from: one row a point, with inputs, weights and operation.

The operations themselves are in `ml.one_operation`; a test holds that every point has a row.
"""

from collections.abc import Mapping

from attrs import field, frozen

from ml.architectures import Model
from ml.points import Place

#: The residual stream that enters a layer, and what enters the last norm.
STREAM, LAST = "stream", "last"


@frozen(kw_only=True)
class Operation:
    """How one point comes about."""

    name: str
    """A function of `ml.one_operation`."""
    inputs: Mapping[str, str] = field(factory=dict)
    """Point by role, of the same layer; `stream` and `last` are outputs of the layer before."""
    weights: Mapping[str, str] = field(factory=dict)
    """Tensor by role, without its `blk.N.`; one that the model does not have is left out."""


def _project(tensor: str, x: str) -> Operation:
    return Operation(
        name="product",
        inputs={"x": x},
        weights={"weight": f"{tensor}.weight", "bias": f"{tensor}.bias"},
    )


def _norm(tensor: str, x: str) -> Operation:
    return Operation(name="rms_norm", inputs={"x": x}, weights={"weight": f"{tensor}.weight"})


OPERATIONS: dict[str, Operation] = {
    "embedding": Operation(name="rows", weights={"weight": "token_embd.weight"}),
    "attn_norm": _norm("attn_norm", STREAM),
    **{
        f"{n}_matmul": Operation(
            name="product", inputs={"x": "attn_norm"}, weights={"weight": f"attn_{n}.weight"}
        )
        for n in "qkv"
    },
    **{
        f"{n}_bias": Operation(
            name="plus_bias", inputs={"x": f"{n}_matmul"}, weights={"bias": f"attn_{n}.bias"}
        )
        for n in "qkv"
    },
    "qkv": Operation(name="side_by_side", inputs={"q": "q_bias", "k": "k_bias", "v": "v_bias"}),
    **{
        f"{n}_rope": Operation(
            name="rotate", inputs={"x": f"{n}_bias"}, weights={"norm": f"attn_{n}_norm.weight"}
        )
        for n in "qk"
    },
    "attn_mix": Operation(name="attend", inputs={"q": "q_rope", "k": "k_rope", "v": "v_bias"}),
    "attn_out": _project("attn_output", "attn_mix"),
    "attn_residual": Operation(name="plus", inputs={"x": STREAM, "branch": "attn_out"}),
    "ffn_norm": _norm("ffn_norm", "attn_residual"),
    "ffn_gate": _project("ffn_gate", "ffn_norm"),
    "ffn_up": _project("ffn_up", "ffn_norm"),
    "ffn_silu": Operation(name="silu", inputs={"x": "ffn_gate"}),
    "ffn_swigl": Operation(name="gated", inputs={"gate": "ffn_gate", "up": "ffn_up"}),
    "ffn_out": _project("ffn_down", "ffn_swigl"),
    "output": Operation(name="plus", inputs={"x": "attn_residual", "branch": "ffn_out"}),
    "final_norm": _norm("output_norm", LAST),
    "logits": _project("output", "final_norm"),
}


def inputs_of(place: Place, layers: int) -> dict[str, Place]:
    """Return the places that a place is computed from, by role; none for the embedding."""
    name, layer = place
    return {role: _input(x, layer, layers) for role, x in OPERATIONS[name].inputs.items()}


def _input(name: str, layer: int | None, layers: int) -> Place:
    if name == LAST:
        return ("output", layers - 1)
    if name == STREAM:
        return ("embedding", None) if not layer else ("output", layer - 1)
    return (name, layer)


def weights_of(place: Place, model: Model) -> dict[str, str]:
    """Return the tensors that a place is computed with, by role, by their names in the file."""
    name, layer = place
    block = "" if layer is None else f"blk.{layer}."
    tensors = {role: block + tensor for role, tensor in OPERATIONS[name].weights.items()}
    if name == "logits":
        tensors["weight"] = model.output_tensor
    return {role: tensor for role, tensor in tensors.items() if tensor in model.tensors}
