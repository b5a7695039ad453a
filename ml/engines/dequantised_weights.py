"""Weights of engine `a`: each tensor decoded to float32 on the device, by tinygrad's GGUF module.

One tensor at a time: its packed bytes go from the mapped file to the device, and are freed when
the float32 tensor stands, so the packed file is never in memory as a whole.
"""

import numpy as np
from tinygrad import Tensor, dtypes
from tinygrad.llm.gguf import ggml_data_to_tensor

from ml import quant_types
from ml.engines.base import Request
from ml.errors import UnsupportedQuantType


def load_weights(request: Request, device: str) -> dict[str, Tensor]:
    """Return every tensor of the model as realised `float32 [shape]` on the device.

    Raises `UnsupportedQuantType`, naming tensor and type, for what tinygrad cannot decode.
    """
    model = request.model
    weights: dict[str, Tensor] = {}
    for done, (name, info) in enumerate(model.tensors.items()):
        request.report("weights", done, len(model.tensors))
        if info.quant_type not in quant_types.DECODED:
            raise UnsupportedQuantType(
                f"tensor {name} is stored as {info.quant_type.name}, which cannot be decoded",
                hint="convert the model to one of: "
                + ", ".join(t.name for t in quant_types.DECODED),
            )
        # A copy: tinygrad's CUDA device takes only writable memory to copy from.
        packed = Tensor(np.array(model.container.tensor_bytes(name)), device=device)
        decoded = ggml_data_to_tensor(packed, info.elements, info.quant_type.id)
        weights[name] = decoded.cast(dtypes.float32).reshape(info.shape).contiguous().realize()
    request.report("weights", len(model.tensors), len(model.tensors))
    return weights
