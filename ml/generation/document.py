"""A generation as the JSON that is recorded: what was asked, what came, and nothing of the clock.

    {"device": "cpu", "format": "generation/1", "ids": [433, …], "margins": [0.27, …],
     "prompt": [319, …], "stopped_by": "tokens", "text": "…"}

Keys are sorted, numbers are in full, a margin without bound is null.
"""

import json
import math
from statistics import median

from ml.generation.base import Generation


def document(made: Generation) -> str:
    """Return the text; the same generation gives the same."""
    value = {
        "device": made.device,
        "format": "generation/1",
        "ids": list(made.ids),
        "margins": [margin if math.isfinite(margin) else None for margin in made.margins],
        "prompt": list(made.prompt),
        "stopped_by": made.stopped_by,
        "text": made.text,
    }
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def tokens_per_second(made: Generation, skipped: int) -> float | None:
    """Return one over the median of the steps, the first of them left out; None where none is."""
    steps = made.seconds_each[skipped:]
    middle = median(steps) if steps else 0.0
    return 1 / middle if middle > 0 else None
