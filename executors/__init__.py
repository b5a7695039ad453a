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
    ("inspect", "Show what a model file says of itself, and its tensors."),
    ("bytes", "Hold two model files against each other, tensor by tensor."),
)
