"""Writing safetensors: the header as compact JSON, padded with spaces to a multiple of eight.

Tensors stand as the reference writer puts them: types with wider numbers first, then by name, so
that every one is aligned to its numbers. `__metadata__` stands first, its keys sorted.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from ml.containers.dtypes import DTYPES
from ml.containers.safetensors import LARGEST_HEADER
from ml.containers.writing import OutgoingTensor, write_tensor
from ml.errors import BadConversion


def write_safetensors(
    file: BinaryIO, metadata: Mapping[str, str], tensors: Sequence[OutgoingTensor]
) -> None:
    """Write a whole file; raise `BadConversion` for a type that safetensors has not."""
    ordered = sorted(tensors, key=lambda one: (-_width(one), one.name.encode()))
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    offset = 0
    for tensor in ordered:
        end = offset + tensor.size_bytes
        header[tensor.name] = {
            "dtype": tensor.quant_type.name,
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > LARGEST_HEADER:
        raise BadConversion(
            f"the header would have {len(text)} bytes, over the limit of {LARGEST_HEADER}",
            hint="convert to GGUF, or without the vocabulary",
        )
    file.write(struct.pack("<Q", len(text)) + text)
    for tensor in ordered:
        write_tensor(file, tensor)


def _width(tensor: OutgoingTensor) -> int:
    kind = tensor.quant_type
    if DTYPES.get(kind.name) != kind:
        raise BadConversion(
            f"safetensors has no type {kind.name} ({tensor.name})",
            hint="give --to f32, f16 or bf16; f32 keeps every number as it is",
        )
    return kind.block_bytes
