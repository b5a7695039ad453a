"""Weights of engine `a`: each tensor decoded to float32 on the device, by tinygrad's GGUF module.

One tensor at a time: its packed bytes go from the mapped file to the device, and are freed when
the float32 tensor stands, so the packed file is never in memory as a whole. A type that tinygrad
lacks is decoded by our table on the host, and the path record says so.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from tinygrad import Tensor, dtypes
from tinygrad.llm.gguf import ggml_data_to_tensor

from ml import quant_types
from ml.containers import TensorInfo
from ml.engines.base import Request
from ml.engines.dequantised import TINYGRAD_TYPES


@frozen
class DequantisedWeights:
    """Every tensor of the model as `float32`, for `ml.engines.tinygrad_graph`."""

    tensors: dict[str, Tensor]

    @classmethod
    def load(cls, request: Request, device: str) -> "DequantisedWeights":
        """Decode all tensors of the request's model onto the device."""
        return cls(load_weights(request, device))

    def embed(self, name: str, ids: Tensor) -> Tensor:
        """Return rows of a matrix."""
        return self.tensors[name][ids]

    def vector(self, name: str) -> Tensor:
        """Return a norm's or a bias's weight."""
        return self.tensors[name]

    def project(self, name: str, x: Tensor) -> Tensor:
        """Return the float32 product of activations and a weight."""
        return x @ self.tensors[name].T


def load_weights(request: Request, device: str) -> dict[str, Tensor]:
    """Return every tensor of the model as realised `float32 [shape]` on the device.

    Raises `UnsupportedQuantType`, naming tensor and type, for what neither tinygrad nor the table
    can decode.
    """
    model = request.model
    weights: dict[str, Tensor] = {}
    for done, (name, info) in enumerate(model.tensors.items()):
        request.report("weights", done, len(model.tensors))
        data = model.tensor_bytes(name)
        weights[name] = decode(info, data, device).contiguous().realize()
    request.report("weights", len(model.tensors), len(model.tensors))
    return weights


def decode(info: TensorInfo, data: NDArray[np.uint8], device: str) -> Tensor:
    """Return one tensor's numbers, `float32 [shape]`, not realised."""
    if info.quant_type.name not in TINYGRAD_TYPES:
        numbers = quant_types.decode(info.quant_type, data, info.shape, tensor=info.name)
        return Tensor(numbers, device=device)
    # A copy: tinygrad's CUDA device takes only writable memory to copy from.
    packed = Tensor(np.array(data), device=device)
    decoded = ggml_data_to_tensor(packed, info.elements, info.quant_type.id)
    return decoded.cast(dtypes.float32).reshape(info.shape)
