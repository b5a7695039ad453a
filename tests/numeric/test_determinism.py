"""The same input gives the same bytes, in this process and in fresh ones."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ml.identity import canonical_digest
from ml.tracing import trace

PROMPT = (319, 75, 75, 78, 220, 272, 68)
PROGRAM = """
import hashlib, sys
from ml.identity import canonical_digest
from ml.tracing import trace
t = trace(sys.argv[1], [319, 75, 75, 78, 220, 272, 68], engine=sys.argv[2], device="cpu")
print(canonical_digest(t.identity), canonical_digest(t.path))
print(hashlib.sha256(t.blob).hexdigest(), hashlib.sha256(t.logits.tobytes()).hexdigest())
"""


def two_fresh_processes(model, engine):
    """Run the trace in two new Pythons at once, from the repository root."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(model), engine],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]
    return [process.communicate(timeout=300)[0].split() for process in started]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["a", "b", "numpy"])
def test_fresh_processes_give_the_same_bytes(reference, engine):
    """Records, blob and logits: twice in fresh processes side by side, and once in this one."""
    model = reference / "tiny4-Q4_K_M.gguf"
    here = trace(model, PROMPT, engine=engine, device="cpu")
    expected = [
        canonical_digest(here.identity),
        canonical_digest(here.path),
        hashlib.sha256(here.blob).hexdigest(),
        hashlib.sha256(here.logits.tobytes()).hexdigest(),
    ]
    assert two_fresh_processes(model, engine) == [expected, expected]
