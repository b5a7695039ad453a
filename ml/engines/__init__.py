"""The engines: independent ways from the same weights to the same activations."""

from ml.engines.base import KV_DTYPES, Capture, Engine, EngineResult, KvDtype, Request
from ml.engines.dequantised import DEQUANTISED
from ml.engines.reference import REFERENCE
from ml.errors import UnknownEngine

ENGINES: tuple[Engine, ...] = (DEQUANTISED, REFERENCE)

__all__ = [
    "ENGINES",
    "KV_DTYPES",
    "Capture",
    "Engine",
    "EngineResult",
    "KvDtype",
    "Request",
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
