"""Every layer of tiny models by Hugging Face's own code: `transformers_layers.py OUT.npz`.

An oracle that shares nothing with this project. It needs torch and transformers, which are no
dependency: it is run by hand where they are, and its output is
tests/data/hugging_face/windows_and_norms.npz. Made with transformers 5.23.0 and torch 2.13.0 on a
CPU, in float64 with eager attention, rounded to float32.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from windowed_models import VARIANTS, VOCABULARY, write_checkpoint

IDS = [(i * 37 + i * i) % VOCABULARY for i in range(24)]


def main() -> None:
    """Write `NAME/embedding`, `NAME/output.N`, `NAME/final_norm`, `NAME/logits` of each model."""
    found = {"ids": np.array(IDS, dtype=np.int64)}
    for name, variant in VARIANTS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = write_checkpoint(variant, Path(folder) / "model")
            model = transformers.AutoModelForCausalLM.from_pretrained(
                path, dtype=torch.float64, attn_implementation="eager"
            ).eval()
        seen: dict[str, torch.Tensor] = {}
        hooked = [("embedding", model.model.embed_tokens), ("final_norm", model.model.norm)]
        hooked += [(f"output.{n}", layer) for n, layer in enumerate(model.model.layers)]
        for point, module in hooked:
            module.register_forward_hook(
                lambda _module, _inputs, out, point=point, seen=seen: seen.__setitem__(
                    point, out[0] if isinstance(out, tuple) else out
                )
            )
        with torch.no_grad():
            seen["logits"] = model(torch.tensor([IDS])).logits
        for point, value in seen.items():
            found[f"{name}/{point}"] = value.reshape(len(IDS), -1).numpy().astype(np.float32)
    np.savez(sys.argv[1], **found)


if __name__ == "__main__":
    main()
