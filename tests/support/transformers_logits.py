"""Logits of the tiny Llama models by Hugging Face's own code: `transformers_logits.py OUT.json`.

An oracle that shares nothing with this project. It needs torch and transformers, which are no
dependency: it is run by hand where they are, and its output is tests/vectors/ml/llama_logits.json.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from llamas import VARIANTS, VOCABULARY, write_checkpoint

IDS = [(i * 37 + i * i) % VOCABULARY for i in range(24)]


def main() -> None:
    """Write the logits of the last token of each variant, and the most likely id at each token."""
    models = {}
    for name, variant in VARIANTS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = write_checkpoint(variant, Path(folder) / "model")
            model = transformers.AutoModelForCausalLM.from_pretrained(
                path, dtype=torch.float64, attn_implementation="eager"
            ).eval()
        with torch.no_grad():
            logits = model(torch.tensor([IDS])).logits[0]
        models[name] = {
            "last": [round(value, 8) for value in logits[-1].tolist()],
            "argmax": logits.argmax(dim=1).tolist(),
        }
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    found = {"ids": IDS, "made_with": versions, "models": models}
    Path(sys.argv[1]).write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
