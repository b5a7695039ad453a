"""Traces that several numeric tests look at, computed once a session."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from ml.points import ALL_POINTS
from ml.tracing import Trace, trace

REFERENCE = Path(__file__).parents[1] / "data" / "reference"
# "hello the", as llama.cpp was given it.
PROMPT = (319, 75, 75, 78, 220, 272, 68)


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of the tiny4 models."""
    return REFERENCE


@pytest.fixture(scope="session")
def traced() -> Callable[..., Trace]:
    """Trace over the prompt on the CPU, all points, with full activations.

    Called with (model, engine, kv) and, for engine b, with what activations are quantised to.
    """

    @cache
    def run(model: str, engine: str, kv: str = "f32", activation: str = "none") -> Trace:
        return trace(
            REFERENCE / f"tiny4-{model}.gguf",
            PROMPT,
            engine=engine,
            device="cpu",
            kv=kv,
            activation=activation,
            points=ALL_POINTS,
            keep_tensors=True,
        )

    return run
