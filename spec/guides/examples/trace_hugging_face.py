"""Trace a Hugging Face model, as a folder that `ledger run import-trace` takes in.

    python trace_hugging_face.py CHECKPOINT 319,75,75,78 OUT

Needs torch, transformers, numpy, and `portable_sketch.py` (ml/portable_sketch.py of
research-ledger) beside it. Written for models whose layers are built as Llama's are: Llama, Qwen2,
Qwen3, Mistral.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import transformers
from portable_sketch import rows

#: Module of a layer -> the point of its input, and of its output.
LAYER = {
    "input_layernorm": (None, "attn_norm"),
    "self_attn.q_proj": (None, "q_bias"),
    "self_attn.k_proj": (None, "k_bias"),
    "self_attn.v_proj": (None, "v_bias"),
    "self_attn.o_proj": ("attn_mix", "attn_out"),
    "post_attention_layernorm": ("attn_residual", "ffn_norm"),
    "mlp.gate_proj": (None, "ffn_gate"),
    "mlp.up_proj": (None, "ffn_up"),
    "mlp.down_proj": ("ffn_swigl", "ffn_out"),
    "": (None, "output"),
}
MODEL = {"model.embed_tokens": "embedding", "model.norm": "final_norm", "lm_head": "logits"}


def first(value):
    """The tensor of a module's input or output, which may be a tuple."""
    return value[0] if isinstance(value, tuple) else value


def hook(model, kept):
    """Have every module put the rows of what it takes and gives into `kept`."""

    def keep(before, after):
        def hooked(_module, taken, given):
            if before:
                kept[before] = rows(first(taken))
            if after:
                kept[after] = rows(first(given))

        return hooked

    for number, layer in enumerate(model.model.layers):
        for name, (before, after) in LAYER.items():
            module = layer.get_submodule(name) if name else layer
            points = (point and (point, number) for point in (before, after))
            module.register_forward_hook(keep(*points))
    for name, point in MODEL.items():
        model.get_submodule(name).register_forward_hook(keep(None, (point, None)))


def main(checkpoint, ids, out):
    """Run the model once, and write one file a point and the contract of the folder."""
    model = transformers.AutoModelForCausalLM.from_pretrained(
        checkpoint, dtype=torch.float32, attn_implementation="eager"
    )
    kept = {}
    hook(model, kept)
    with torch.no_grad():
        model(torch.tensor([ids]))
    folder = pathlib.Path(out)
    folder.mkdir()
    points = {}
    for (point, layer), values in kept.items():
        name = point if layer is None else f"{point}.{layer}"
        np.save(folder / f"{name}.npy", values)
        points[point] = {"point": point, "file": f"{name}.npy"}
        if layer is not None:
            points[point] |= {"file": f"{point}.{{layer}}.npy", "layers": f"0-{layer}"}
    contract = {
        "format": "imported-trace/1",
        "program": f"transformers {transformers.__version__}, torch {torch.__version__}",
        "ids": ids,
        "values": "rows",
        "path": {"accumulate_dtype": "float32", "batching": "prefill", "device": "cpu"},
        "points": list(points.values()),
    }
    pathlib.Path(f"{out}.yaml").write_text(json.dumps(contract, indent=1))  # JSON is YAML too


if __name__ == "__main__":
    main(sys.argv[1], [int(part) for part in sys.argv[2].split(",")], sys.argv[3])
