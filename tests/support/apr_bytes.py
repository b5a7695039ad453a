"""APR v2 files byte by byte, with struct, zlib and json alone: `apr_bytes.py` prints the vectors.

Shares nothing with `ml`: what the reader takes and the writer gives is held against this.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "vectors" / "ml" / "apr_v2.json"
#: name -> (APR's number, shape, bytes).
Tensors = Mapping[str, tuple[int, tuple[int, ...], bytes]]


def padded(data: bytes) -> bytes:
    """Data up to the next multiple of 64, with zeros."""
    return data + b"\0" * (-len(data) % 64)


def header(
    tensors: int, metadata_size: int, index: int, data: int, *, flags: int = 0x400, **odd: Any
) -> bytes:
    """64 bytes with their checksum; `odd` sets magic, version or crc to something else."""
    major, minor = odd.get("version", (2, 0))
    first = struct.pack(
        "<4sBBHIQIQQ",
        odd.get("magic", b"APR\0"),
        major,
        minor,
        flags,
        tensors,
        odd.get("metadata_offset", 64),
        metadata_size,
        index,
        data,
    )
    rest = bytes(20)
    return first + struct.pack("<I", odd.get("crc", zlib.crc32(first + rest))) + rest


def entry(name: bytes, dtype: int, shape: tuple[int, ...], offset: int, size: int) -> bytes:
    """One row of the index."""
    extents = struct.pack(f"<{len(shape)}Q", *shape)
    start = struct.pack("<H", len(name)) + name + bytes((dtype, len(shape)))
    return start + extents + struct.pack("<QQ", offset, size)


def whole(metadata: bytes, index: bytes, data: bytes, count: int, **odd: Any) -> bytes:
    """A file of its parts, with both checksums."""
    at = 64 + len(padded(metadata))
    start = at + len(padded(index))
    body = header(count, len(metadata), at, start, **odd) + padded(metadata) + padded(index) + data
    return body + struct.pack("<I", zlib.crc32(body))


def file_bytes(metadata: Mapping[str, Any], tensors: Tensors, **odd: Any) -> bytes:
    """A whole file, its tensors sorted by name."""
    text = json.dumps(metadata, separators=(",", ":"), ensure_ascii=False).encode()
    index, data = b"", b""
    for name in sorted(tensors, key=str.encode):
        dtype, shape, content = tensors[name]
        index += entry(name.encode(), dtype, shape, len(data), len(content))
        data += padded(content)
    return whole(text, index, data, len(tensors), **odd)


def mended(data: bytes) -> bytes:
    """A file after somebody changed it, with checksums that fit again."""
    first, rest = data[:40], data[44:64]
    body = first + struct.pack("<I", zlib.crc32(first + rest)) + data[44:-4]
    return body + struct.pack("<I", zlib.crc32(body))


def small_file() -> bytes:
    """Two tensors: the example of the page."""
    null = ("name", "description", "author", "license", "data_source", "data_license")
    metadata = {"model_type": "tiny", **dict.fromkeys(null)}
    weight = struct.pack("<6f", 0, 1, 2, 3, 4, 5)
    bias = struct.pack("<2e", -0.5, 0.5)
    return file_bytes(metadata, {"weight": (0, (2, 3), weight), "bias": (1, (2,), bias)})


def vectors() -> dict[str, Any]:
    """What tests/vectors/ml/apr_v2.json holds."""
    q4 = struct.pack("<e", 0.5) + bytes(range(16))
    q8 = struct.pack("<f", 0.25) + bytes((0, 1, 127, 129, 255))
    return {
        "align": [[0, 0], [1, 64], [64, 64], [65, 128]],
        "header": {
            "tensors": 42,
            "flags": 0x400,
            "metadata_size": 100,
            "index_offset": 192,
            "data_offset": 4096,
            "hex": header(42, 100, 192, 4096).hex(),
        },
        "file": {"names": ["bias", "weight"], "hex": small_file().hex()},
        "apr_q4": {
            "hex": q4.hex(),
            "numbers": [0.5 * (n - 8) for byte in range(16) for n in (byte & 15, byte >> 4)],
        },
        "apr_q8": {"hex": q8.hex(), "numbers": [0.0, 0.25, 31.75, -31.75, -0.25]},
        "dtypes": {
            "F32": 0,
            "F16": 1,
            "F64": 3,
            "I32": 4,
            "I64": 5,
            "I8": 6,
            "U8": 7,
            "Q4_K": 12,
            "Q6_K": 14,
            "BF16": 30,
            "APR_Q4": 128,
            "APR_Q8": 129,
        },
        "dtype_aliases": {"8": "APR_Q4", "9": "APR_Q8"},
        "dtypes_refused": [2, 10, 11, 13, 15, 29, 31, 99, 127, 130, 255],
    }


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
