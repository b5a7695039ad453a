"""Weights of engine `b`: packed bytes on the device, unpacked to integers where they are used.

A product is one kernel: int32 sums within sub-blocks, times the scales of the sub-blocks, summed
within a block, all exact; then times the scales of both blocks in float32, and summed over blocks.
"""

import numpy as np
from attrs import field, frozen
from tinygrad import Tensor, dtypes
from tinygrad.dtype import DType

from ml.architectures import Model
from ml.containers import TensorInfo
from ml.engines import integer_activations as activations
from ml.engines.base import Request
from ml.engines.integer import ACTIVATION_TYPES
from ml.engines.integer_activations import Activations
from ml.engines.integer_blocks import UNPACK, Unpacked
from ml.engines.integer_kernels import PRODUCTS, PackedProducts
from ml.errors import UnsupportedQuantType

_QUANTISE = {"Q8_0": activations.q8_0, "Q8_K": activations.q8_k}


@frozen
class IntegerWeights:
    """Every tensor of the model as it is stored, for `ml.engines.tinygrad_graph`."""

    infos: dict[str, TensorInfo]
    packed: dict[str, Tensor] = field(repr=False)
    """Matrices as `uint8 [rows, row bytes]`, vectors as `float32 [width]`."""
    quantised: bool
    """Whether activations are quantised before a product."""
    kernels: PackedProducts | None = field(default=None, repr=False)
    """Our own kernels, on a CPU."""

    @classmethod
    def load(cls, request: Request, device: str) -> "IntegerWeights":
        """Copy the packed bytes to the device; raise `UnsupportedQuantType` before that."""
        model = request.model
        check_types(model)
        packed: dict[str, Tensor] = {}
        for done, (name, info) in enumerate(model.tensors.items()):
            request.report("weights", done, len(model.tensors))
            # A copy: tinygrad's CUDA device takes only writable memory to copy from.
            data = np.array(model.tensor_bytes(name))
            if len(info.shape) == 1:
                data = data.view("<f4")
            packed[name] = Tensor(data.reshape(info.shape[0], -1), device=device).realize()
        request.report("weights", len(model.tensors), len(model.tensors))
        kernels = PackedProducts(device) if device == "CPU" else None
        return cls(dict(model.tensors), packed, request.activation == "q8", kernels)

    def embed(self, name: str, ids: Tensor) -> Tensor:
        """Return rows of a matrix as activations, in the rounding of ggml's `dequantize_row_*`."""
        kind = self.infos[name].quant_type
        rows = self.packed[name][ids].contiguous()
        blocks = UNPACK[kind.name](rows.reshape(-1, kind.block_bytes))
        return numbers(blocks).reshape(ids.shape[0], -1)

    def vector(self, name: str) -> Tensor:
        """Return a norm's or a bias's weight."""
        return self.packed[name].reshape(-1)

    def project(self, name: str, x: Tensor) -> Tensor:
        """Return the product of activations and a packed weight, `float32 [tokens, out]`."""
        info = self.infos[name]
        kind = info.quant_type
        if self.quantised and self.kernels is not None and kind.name in PRODUCTS:
            return self.kernels.product(kind.name, x, self.packed[name])
        weight = UNPACK[kind.name](self.packed[name].reshape(-1, kind.block_bytes))
        if self.quantised:
            inputs = _QUANTISE[ACTIVATION_TYPES[kind.name]](x)
        else:
            inputs = activations.plain(x, kind.block_size)
        return product(inputs, weight, info.shape[0])


def check_types(model: Model) -> None:
    """Raise `UnsupportedQuantType`, naming tensors and types, for what is not multiplied here."""
    wrong = [
        f"{name} is stored as {info.quant_type.name}"
        for name, info in model.tensors.items()
        if info.quant_type.name not in (("F32",) if len(info.shape) == 1 else ACTIVATION_TYPES)
    ]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise UnsupportedQuantType(
            f"engine b does not multiply that: tensor {wrong[0]}{more}",
            hint=f"it takes matrices of {', '.join(ACTIVATION_TYPES)}, and vectors of F32; "
            "use --engine a for others",
        )


def numbers(blocks: Unpacked) -> Tensor:
    """Return what the blocks stand for, `float32 [blocks, elements of a block]`."""
    scale = blocks.d.reshape(-1, 1)
    if blocks.scales is not None:
        scale = scale * blocks.scales.cast(dtypes.float32)
    values = (scale.unsqueeze(-1) * blocks.quants.cast(dtypes.float32)).contiguous()
    if blocks.dmin is not None and blocks.minimums is not None:
        # Written out before the difference, which a compiler could else fuse into one rounding.
        taken = blocks.dmin.reshape(-1, 1) * blocks.minimums.cast(dtypes.float32)
        values = values - taken.contiguous().unsqueeze(-1)
    return values.reshape(values.shape[0], -1)


def product(inputs: Activations, weight: Unpacked, rows: int) -> Tensor:
    """Return `float32 [tokens, rows]`: activations times a matrix of packed rows."""
    tokens, blocks = inputs.values.shape[0], inputs.values.shape[1]
    parts, size = weight.quants.shape[1], weight.quants.shape[2]
    # Whole numbers as long as both sides are: products of eight bits, summed in 32, are exact.
    work = dtypes.float32 if inputs.scale is None else dtypes.int32
    x = inputs.values.reshape(tokens, 1, blocks, parts, size).cast(work)
    quants = weight.quants.contiguous().reshape(1, rows, blocks, parts, size)
    sums = (x * quants.cast(work)).sum(-1)  # [tokens, rows, blocks, parts]
    if weight.scales is not None:
        sums = sums * _parts(weight.scales, rows, blocks, work)
    value = sums.sum(-1).cast(dtypes.float32) * _scale(weight.d, inputs, rows)
    if weight.dmin is not None and weight.minimums is not None:
        totals = x.sum(-1).contiguous()  # [tokens, 1, blocks, parts]
        below = (totals * _parts(weight.minimums, rows, blocks, work)).sum(-1)
        value = value - below.cast(dtypes.float32) * _scale(weight.dmin, inputs, rows)
    return value.sum(-1)


def _parts(values: Tensor, rows: int, blocks: int, work: DType) -> Tensor:
    """Return a field of sub-blocks as `[1, rows, blocks, parts]`."""
    return values.contiguous().reshape(1, rows, blocks, -1).cast(work)


def _scale(d: Tensor, inputs: Activations, rows: int) -> Tensor:
    """Return the scale of each pair of blocks, `float32 [tokens or 1, rows, blocks]`."""
    tokens, blocks = inputs.values.shape[0], inputs.values.shape[1]
    weights = d.contiguous().reshape(1, rows, blocks)
    if inputs.scale is None:
        return weights
    return weights * inputs.scale.reshape(tokens, 1, blocks)
