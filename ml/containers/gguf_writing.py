"""Writing GGUF version 3: header, pairs, the table of tensors, data at multiples of the alignment.

Every tensor, the last one too, is padded with zeros to the alignment, as llama.cpp writes them.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from ml.containers.apr_layout import align
from ml.containers.gguf import DEFAULT_ALIGNMENT, MAGIC, MOST_DIMENSIONS
from ml.containers.gguf_pairs import Pair, write_pairs
from ml.containers.gguf_values import SCALARS
from ml.containers.writing import OutgoingTensor, write_tensor
from ml.errors import BadConversion

_ALIGNMENT_KEY = "general.alignment"


def write_gguf(file: BinaryIO, pairs: Sequence[Pair], tensors: Sequence[OutgoingTensor]) -> None:
    """Write a whole file; raise `BadConversion` for a type or shape that GGUF has no number for."""
    step = alignment_of(pairs)
    head = MAGIC + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + write_pairs(pairs)
    table, offset = [], 0
    for tensor in tensors:
        table.append(_row(tensor, offset))
        offset += align(tensor.size_bytes, step)
    head += b"".join(table)
    file.write(head.ljust(align(len(head), step), b"\0"))
    for tensor in tensors:
        size = write_tensor(file, tensor)
        file.write(bytes(align(size, step) - size))


def alignment_of(pairs: Iterable[Pair]) -> int:
    """Return what `general.alignment` says, in bytes; 32 where it says nothing."""
    for pair in pairs:
        (kind,) = struct.unpack_from("<I", pair.data)
        if pair.key == _ALIGNMENT_KEY and kind in SCALARS:
            return int(struct.unpack(SCALARS[kind][0], pair.data[4:])[0])
    return DEFAULT_ALIGNMENT


def _row(tensor: OutgoingTensor, offset: int) -> bytes:
    name, shape = tensor.name.encode(), tensor.shape
    if not 1 <= len(shape) <= MOST_DIMENSIONS or tensor.quant_type.id < 0:
        raise BadConversion(
            f"GGUF has no place for {tensor.name}: {tensor.quant_type.name} {list(shape)}",
            hint="give another type with --to, such as f32",
        )
    extents = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
    row = struct.pack("<IQ", tensor.quant_type.id, offset)
    return struct.pack("<Q", len(name)) + name + extents + row
