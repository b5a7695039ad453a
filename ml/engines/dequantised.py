"""Engine `a`: tinygrad, weights dequantised to float32 once, float32 matrix products.

This file is the contract's side and stays importable without tinygrad; the graph is in
`ml.engines.tinygrad_graph`, the weights in `ml.engines.dequantised_weights`, imported when a pass
is run.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from attrs import frozen

from ml.engines.base import Activation, EngineResult, Request, Scorer, Session
from ml.quant_types import QuantType

# What tinygrad 0.14's GGUF module decodes, of the types in our table; a test holds it to that.
TINYGRAD_TYPES: Final = frozenset(
    (
        *("F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64"),
        *("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"),
        *("IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_XS", "MXFP4"),
    )
)


@frozen
class DequantisedEngine:
    """The member of `ml.engines`."""

    id: str = "a"
    uses_tinygrad: bool = True
    activations: tuple[Activation, ...] = ("none",)

    def describe(self, _activation: Activation, /) -> Mapping[str, str]:
        """Return its part of the path record."""
        return {
            "accumulate_dtype": "float32",
            "activation_dtype": "float32",
            "attention_form": "explicit causal softmax of scores over sqrt(head_dim)",
            "engine_version": f"1 (tinygrad {version('tinygrad')})",
        }

    def weight_decoding(self, quant_type: QuantType, /) -> str:
        """Return who makes float32 of this type: tinygrad, or the table on the host."""
        if quant_type.name in TINYGRAD_TYPES:
            return "float32 by tinygrad.llm.gguf"
        return "float32 by ml.quant_types on the host: tinygrad.llm.gguf lacks the type"

    def activation_quantisation(self, _quant_type: QuantType, _activation: Activation, /) -> str:
        """Return `none`: products are in float32."""
        return "none"

    def run(self, request: Request) -> EngineResult:
        """Compute one forward pass on the request's device."""
        from ml.engines.dequantised_weights import DequantisedWeights
        from ml.engines.tinygrad_run import run

        return run(request, DequantisedWeights.load)

    def open(self, request: Request, earlier: Session | None = None) -> Session:
        """Return a session on the request's device."""
        from ml.engines.dequantised_weights import DequantisedWeights
        from ml.engines.tinygrad_run import open_session

        return open_session(request, DequantisedWeights.load, earlier)

    def scorer(self, request: Request) -> Scorer:
        """Return a scorer on the request's device."""
        from ml.engines.dequantised_weights import DequantisedWeights
        from ml.engines.tinygrad_run import open_scorer

        return open_scorer(request, DequantisedWeights.load)


DEQUANTISED = DequantisedEngine()
