"""The engines: independent ways from the same weights to the same activations."""

from ml.engines.base import (
    BATCHINGS,
    KV_DTYPES,
    Activation,
    Batching,
    Capture,
    Engine,
    EngineResult,
    KvDtype,
    Request,
    Scorer,
    Session,
)
from ml.engines.dequantised import DEQUANTISED
from ml.engines.integer import INTEGER
from ml.engines.reference import REFERENCE
from ml.errors import BadOption, UnknownEngine

ENGINES: tuple[Engine, ...] = (DEQUANTISED, INTEGER, REFERENCE)

__all__ = [
    "BATCHINGS",
    "ENGINES",
    "KV_DTYPES",
    "Activation",
    "Batching",
    "Capture",
    "Engine",
    "EngineResult",
    "KvDtype",
    "Request",
    "Scorer",
    "Session",
    "choose_activation",
    "find_engine",
]


def find_engine(name: str) -> Engine:
    """Return the engine of this name; raise `UnknownEngine`."""
    for engine in ENGINES:
        if engine.id == name:
            return engine
    raise UnknownEngine(
        f"no engine is named {name!r}",
        hint=f"the engines are: {', '.join(engine.id for engine in ENGINES)}",
    )


def choose_activation(engine: Engine, activation: str) -> Activation:
    """Return a quantisation of activations that the engine can do; raise `BadOption`."""
    for known in engine.activations:
        if activation == known:
            return known
    able = [other.id for other in ENGINES if activation in other.activations]
    raise BadOption(
        f"engine {engine.id} cannot quantise activations as {activation!r}",
        hint=f"use --engine {' or '.join(able)}"
        if able
        else f"it takes: {', '.join(engine.activations)}",
    )
