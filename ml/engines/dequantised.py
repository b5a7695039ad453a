"""Engine `a`: tinygrad, weights dequantised to float32 once, float32 matrix products.

This file is the contract's side and stays importable without tinygrad; the graph is in
`ml.engines.dequantised_graph`, imported when a pass is run.
"""

from collections.abc import Mapping
from importlib.metadata import version

from attrs import frozen

from ml.engines.base import EngineResult, Request


@frozen
class DequantisedEngine:
    """The member of `ml.engines`."""

    id: str = "a"
    uses_tinygrad: bool = True

    def describe(self) -> Mapping[str, str]:
        """Return its part of the path record."""
        return {
            "accumulate_dtype": "float32",
            "activation_dtype": "float32",
            "attention_form": "explicit causal softmax of scores over sqrt(head_dim)",
            "engine_version": f"1 (tinygrad {version('tinygrad')})",
            "weight_decoding": "float32 by tinygrad.llm.gguf",
        }

    def run(self, request: Request) -> EngineResult:
        """Compute one forward pass on the request's device."""
        from ml.engines.dequantised_graph import run

        return run(request)


DEQUANTISED = DequantisedEngine()
