"""A pass of a tinygrad engine: its weights onto the device, then the batching asked for."""

from collections.abc import Callable, Mapping
from typing import Final

from ml.engines.base import Batching, EngineResult, Request
from ml.engines.tinygrad_graph import Weights
from ml.engines.tinygrad_one_by_one import one_by_one
from ml.engines.tinygrad_prefill import prefill
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
