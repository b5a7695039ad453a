"""Engine `b`: tinygrad, weights left as the integers they are packed as, never float32.

`activation=q8` does what llama.cpp does on the CPU: activations are quantised to blocks of
eight-bit integers, products are summed in int32, and float32 enters with the scales of the blocks.
`activation=none` multiplies the same integers with float32 activations, block by block.

This file is the contract's side and stays importable without tinygrad: the unpacking is in
`ml.engines.integer_blocks`, the activations in `ml.engines.integer_activations`, the products in
`ml.engines.integer_weights`, and on the CPU in kernels of its own (`ml.engines.integer_kernels`).
It shares neither with engine `a` nor with the table.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from attrs import frozen

from ml.engines.base import Activation, EngineResult, Request, Scorer, Session
from ml.quant_types import QuantType

# Types of weights that are multiplied, each with the type that ggml quantises activations to before
# it (`type_traits_cpu` in ggml-cpu.c). Norms and biases are F32.
ACTIVATION_TYPES: Final[Mapping[str, str]] = {
    "Q4_0": "Q8_0",
    "Q5_0": "Q8_0",
    "Q8_0": "Q8_0",
    "Q4_K": "Q8_K",
    "Q5_K": "Q8_K",
    "Q6_K": "Q8_K",
}
_ACCUMULATION: Final[Mapping[Activation, str]] = {
    "none": "float32",
    "q8": "int32 within a block, float32 over blocks",
}

#: Counted up where the order of float32 sums changes: 2 has kernels of its own on the CPU.
_VERSION: Final = 2


@frozen
class IntegerEngine:
    """The member of `ml.engines`."""

    id: str = "b"
    uses_tinygrad: bool = True
    activations: tuple[Activation, ...] = ("none", "q8")

    def describe(self, activation: Activation, /) -> Mapping[str, str]:
        """Return its part of the path record."""
        return {
            "accumulate_dtype": _ACCUMULATION[activation],
            "activation_dtype": "float32",
            "attention_form": "explicit causal softmax of scores over sqrt(head_dim)",
            "engine_version": f"{_VERSION} (tinygrad {version('tinygrad')})",
        }

    def weight_decoding(self, quant_type: QuantType, /) -> str:
        """Return how weights of this type enter a product."""
        if quant_type.name in ACTIVATION_TYPES:
            return "integers by ml.engines.integer_blocks, scaled block by block"
        return "as stored"

    def activation_quantisation(self, quant_type: QuantType, activation: Activation, /) -> str:
        """Return Q8_0 or Q8_K, as ggml pairs them with the type, or `none`."""
        return ACTIVATION_TYPES.get(quant_type.name, "none") if activation == "q8" else "none"

    def run(self, request: Request) -> EngineResult:
        """Compute one forward pass on the request's device.

        Raises `UnsupportedQuantType`, naming tensor and type, for a matrix that is not packed in
        one of `ACTIVATION_TYPES`, and for a norm or bias that is not F32.
        """
        from ml.engines.integer_weights import IntegerWeights
        from ml.engines.tinygrad_run import run

        return run(request, IntegerWeights.load)

    def open(self, request: Request, earlier: Session | None = None) -> Session:
        """Return a session on the request's device."""
        from ml.engines.integer_weights import IntegerWeights
        from ml.engines.tinygrad_run import open_session

        return open_session(request, IntegerWeights.load, earlier)

    def scorer(self, request: Request) -> Scorer:
        """Return a scorer on the request's device."""
        from ml.engines.integer_weights import IntegerWeights
        from ml.engines.tinygrad_run import open_scorer

        return open_scorer(request, IntegerWeights.load)


INTEGER = IntegerEngine()
