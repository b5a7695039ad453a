"""APR v2: the numbers of the layout, as tables (spec/formats/apr.md)."""

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from ml.containers.dtypes import DTYPES
from ml.quant_types import QuantType
from ml.quant_types.apr import apr_q4, apr_q8, padded_rows
from ml.quant_types.q4_k import Q4_K
from ml.quant_types.q6_k import Q6_K

MAGIC: Final = b"APR\0"
#: Magics of before version 2, which no file of this format has.
OLDER_MAGICS: Final = (b"APRN", b"APR1", b"APR2")
MAJOR, MINOR = 2, 0
HEADER_SIZE: Final = 64
FOOTER_SIZE: Final = 4
ALIGNMENT: Final = 64
LARGEST_METADATA: Final = 16 << 20
LONGEST_NAME: Final = 256
MOST_DIMENSIONS: Final = 8
#: magic, major, minor, flags, tensor count, metadata offset and size, index offset, data offset.
FIELDS: Final = struct.Struct("<4sBBHIQIQQ")
_CRC_AT: Final = 40

#: bit -> (name, whether this version reads a file that has it set).
FLAGS: Final[Mapping[int, tuple[str, bool]]] = {
    0x001: ("LZ4", False),
    0x002: ("ZSTD", False),
    0x004: ("ENCRYPTED", False),
    0x008: ("SIGNED", True),
    0x010: ("SHARDED", False),
    0x020: ("QUANTIZED", True),
    0x040: ("FILTERBANK", True),
    0x080: ("MODEL_CARD", True),
    0x100: ("STREAMING", True),
    0x200: ("VOCABULARY", True),
    0x400: ("ROW_MAJOR", True),
    0x800: ("COLUMN_MAJOR", False),
}
QUANTIZED, VOCABULARY, ROW_MAJOR = 0x020, 0x200, 0x400


@frozen(kw_only=True)
class Dtype:
    """A number type: its name, and the row that a tensor of some shape has."""

    name: str
    of_shape: Callable[[tuple[int, ...]], QuantType]
    is_packed: bool = False


def _plain(name: str) -> Dtype:
    kind = DTYPES[name]
    return Dtype(name=name, of_shape=lambda _shape: kind)


_Q4: Final = Dtype(name="APR_Q4", of_shape=apr_q4, is_packed=True)
_Q8: Final = Dtype(name="APR_Q8", of_shape=apr_q8, is_packed=True)
#: By the byte in the index. Numbers are APR's own: 3 to 9 mean other types in GGML.
DTYPES_BY_ID: Final[Mapping[int, Dtype]] = {
    0: _plain("F32"),
    1: _plain("F16"),
    3: _plain("F64"),
    4: _plain("I32"),
    5: _plain("I64"),
    6: _plain("I8"),
    7: _plain("U8"),
    8: _Q4,
    9: _Q8,
    12: Dtype(name="Q4_K", of_shape=lambda shape: padded_rows(Q4_K, shape), is_packed=True),
    14: Dtype(name="Q6_K", of_shape=lambda shape: padded_rows(Q6_K, shape), is_packed=True),
    30: _plain("BF16"),
    128: _Q4,
    129: _Q8,
}
#: The byte that is written for a type, by the row's name.
IDS: Final[Mapping[str, int]] = {
    dtype.name: number for number, dtype in DTYPES_BY_ID.items() if number not in (8, 9)
}


def align(size: int, step: int = ALIGNMENT) -> int:
    """Return the next multiple of `step`.

    >>> align(65), align(64)
    (128, 64)
    """
    return -(-size // step) * step


def dtype_id(kind: QuantType) -> int | None:
    """Return the byte for a type; None where APR has none. A padded row has its type's own."""
    return IDS.get(kind.name.partition(" ")[0])


def header_crc(header: bytes) -> int:
    """CRC-32 of the header without its own field."""
    return zlib.crc32(header[:_CRC_AT] + header[_CRC_AT + 4 : HEADER_SIZE])


def pack_header(values: tuple[int, int, int, int, int, int]) -> bytes:
    """Return 64 bytes from flags, tensors, metadata offset and size, index and data offset."""
    head = FIELDS.pack(MAGIC, MAJOR, MINOR, *values).ljust(HEADER_SIZE, b"\0")
    return head[:_CRC_AT] + struct.pack("<I", header_crc(head)) + head[_CRC_AT + 4 :]


def stored_crc(header: bytes) -> int:
    """Return the checksum that a header states."""
    return int.from_bytes(header[_CRC_AT : _CRC_AT + 4], "little")
