"""Executors turn what `ml` computes into measured events: the list. The contract is in `base.py`.

Each member is a file with a click command of its name. It computes with `ml` and records through a
`Run`; only `base.py` and `cli.py` know the ledger.
"""

from typing import Final

#: Name and line of help; the command is `executors.<name>:<name>`.
EXECUTORS: Final = (
    ("trace", "Trace a model over a prompt: statistics at every capture point."),
    ("self-check", "Hold an engine against itself: all tokens at once, and one by one."),
    ("import-trace", "Take in somebody else's trace: activations or ready rows in files."),
    ("compare", "Hold two traces against each other, point by point."),
    ("nodes", "Hold a pass against what llama.cpp printed of its own."),
    ("floor", "Measure how far two sound paths are apart, for `compare` and `bisect`."),
    ("bisect", "Say which operation of a pass is the first that differs by itself."),
    ("generate", "Continue a prompt, greedily or by drawing, and keep margins and text."),
    ("golden", "Make golden outputs of a model, or hold it against those it has."),
    ("perplexity", "Score a text by a model: nats a token, perplexity, bits a byte."),
    ("divergence", "Hold what two models predict for a text against each other."),
    ("qa", "Run the gates over a model: each PASS, FAIL or SKIP, with its number."),
    ("bench", "Time a model: prefill, decoding, the first token, memory."),
    ("pass-at-k", "Let a model solve code problems, after a control: pass@k."),
    ("corpus", "Make a corpus out of folders of Python files, show one, check one."),
    ("pretrain", "Train a model from nothing on a corpus, every step an event."),
    ("replay", "Take steps of a training again, and hold them against its record."),
    ("compare-runs", "Hold the held-out losses of two trainings against each other."),
    ("export", "Write a checkpoint of a training as a Hugging Face folder."),
    ("inspect", "Show what a model file says of itself, and its tensors."),
    ("bytes", "Hold two model files against each other, tensor by tensor."),
    ("validate", "Check all of a model file: structure, checksums, numbers, meaning."),
    ("convert", "Write a model in another container, or with other types of numbers."),
    ("quantise", "Pack the matrices of a model, as llama-quantize packs them."),
)
