"""Writing APR v2: always row by row, in one file, not compressed (spec/formats/apr.md)."""

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final

from attrs import define

from ml.containers import apr_layout as layout
from ml.containers.writing import OutgoingTensor, write_tensor
from ml.errors import BadConversion

#: Written always, null where nothing is known.
ALWAYS: Final = (
    "model_type",
    "name",
    "description",
    "author",
    "license",
    "data_source",
    "data_license",
)


@define
class _Summed:
    """A file that keeps the CRC-32 of what went into it."""

    file: BinaryIO
    crc: int = 0

    def write(self, data: bytes | memoryview) -> int:
        self.crc = zlib.crc32(data, self.crc)
        return self.file.write(data)


def write_apr(
    file: BinaryIO, document: Mapping[str, Any], tensors: Sequence[OutgoingTensor]
) -> None:
    """Write a whole file; raise `BadConversion` for what APR has no place for."""
    ordered = sorted(tensors, key=lambda one: one.name.encode())
    text = _metadata(document)
    index = _index(ordered)
    index_at = layout.align(layout.HEADER_SIZE + len(text))
    data_at = index_at + len(index)
    kinds = [layout.DTYPES_BY_ID[_dtype(tensor)] for tensor in ordered]
    flags = layout.ROW_MAJOR
    flags |= layout.QUANTIZED if any(kind.is_packed for kind in kinds) else 0
    flags |= layout.VOCABULARY if document.get("has_vocabulary") else 0
    counts = (flags, len(ordered), layout.HEADER_SIZE, len(text), index_at, data_at)
    summed = _Summed(file)
    summed.write(layout.pack_header(counts))
    summed.write(text.ljust(index_at - layout.HEADER_SIZE, b"\0"))
    summed.write(index)
    for tensor in ordered:
        written = write_tensor(summed, tensor)  # type: ignore[arg-type]
        summed.write(bytes(layout.align(written) - written))
    file.write(struct.pack("<I", summed.crc))


def _metadata(document: Mapping[str, Any]) -> bytes:
    """The JSON: what stands always first, the rest in the order given."""
    known = {key: value for key, value in document.items() if key != "has_vocabulary"}
    whole = {**{key: known.get(key) for key in ALWAYS}, **known}
    whole["model_type"] = whole["model_type"] or ""
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > layout.LARGEST_METADATA:
        raise BadConversion(
            f"the metadata would have {len(text)} bytes, over APR's limit of 16 MiB",
            hint="convert to GGUF: its vocabulary does not fit here",
        )
    return text


def _dtype(tensor: OutgoingTensor) -> int:
    number = layout.dtype_id(tensor.quant_type)
    if number is None:
        raise BadConversion(
            f"APR has no type {tensor.quant_type.name} ({tensor.name})",
            hint="give --to f32 (which keeps every number), f16, bf16, apr_q8, apr_q4 or q4_k",
        )
    return number


def _index(ordered: Sequence[OutgoingTensor]) -> bytes:
    """The index, padded."""
    rows, offset = [], 0
    for tensor in ordered:
        name, shape = tensor.name.encode(), tensor.shape
        if len(name) > layout.LONGEST_NAME or len(shape) > layout.MOST_DIMENSIONS:
            raise BadConversion(
                f"APR has no place for {tensor.name[:80]} {list(shape)}",
                hint="names have up to 256 bytes, shapes up to 8 extents",
            )
        size = tensor.size_bytes
        head = struct.pack("<H", len(name)) + name + bytes((_dtype(tensor), len(shape)))
        rows.append(head + struct.pack(f"<{len(shape) + 2}Q", *shape, offset, size))
        offset += layout.align(size)
    index = b"".join(rows)
    return index.ljust(layout.align(len(index)), b"\0")
