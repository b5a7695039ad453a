"""A pass of a tinygrad engine, or a session: weights onto the device, then what is asked for."""

from collections.abc import Callable, Mapping
from typing import Final

from ml.engines.base import Batching, EngineResult, Request, Scorer, Session
from ml.engines.tinygrad_graph import Weights
from ml.engines.tinygrad_one_by_one import one_by_one
from ml.engines.tinygrad_prefill import prefill
from ml.engines.tinygrad_scorer import TinygradScorer
from ml.engines.tinygrad_session import TinygradSession
from ml.tinygrad_devices import fixed_settings

_WAYS: Final[Mapping[Batching, Callable[[Request, str, Weights], EngineResult]]] = {
    "prefill": prefill,
    "one by one": one_by_one,
}


def run(request: Request, load: Callable[[Request, str], Weights]) -> EngineResult:
    """Compute one forward pass on the request's device, with the weights that `load` gives."""
    device = request.device.tinygrad_name
    if device is None:
        raise ValueError("this pass needs a tinygrad device")  # a bug of the caller, not bad input
    with fixed_settings(device):
        return _WAYS[request.batching](request, device, load(request, device))


def open_session(
    request: Request, load: Callable[[Request, str], Weights], earlier: Session | None
) -> Session:
    """Return a session with the weights that `load` gives, or those of an earlier session."""
    device = request.device.tinygrad_name
    if device is None:
        raise ValueError("this pass needs a tinygrad device")  # a bug of the caller, not bad input
    with fixed_settings(device):
        loaded = earlier.weights if isinstance(earlier, TinygradSession) else None
        return TinygradSession.open(request, device, loaded or load(request, device))


def open_scorer(request: Request, load: Callable[[Request, str], Weights]) -> Scorer:
    """Return a scorer with the weights that `load` gives."""
    device = request.device.tinygrad_name
    if device is None:
        raise ValueError("this pass needs a tinygrad device")  # a bug of the caller, not bad input
    with fixed_settings(device):
        return TinygradScorer(request, load(request, device), device)
