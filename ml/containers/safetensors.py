"""Safetensors, read by an own parser.

u64 length of the header (little-endian), the header as JSON, the data up to the end of the file:

    {"__metadata__": {"format": "pt"},
     "model.norm.weight": {"dtype": "F16", "shape": [256], "data_offsets": [0, 512]}}

Offsets count from the first byte of data, the second is the first byte after the tensor. Numbers
are little-endian, the last extent runs fastest. Nothing has to be aligned: writers pad the header
with spaces to a multiple of eight, readers must not rely on it.

Invariants after `open_safetensors`, as the reference reader has them: the header begins with `{`
and has at most 100 MB; the tensors, in the order of their offsets, cover the data without a gap, an
overlap or a rest; each has the bytes that shape and type say. Stricter than the reference: a name
or field that stands twice, a field of another name, and more than 64 extents are refused.
"""

import hashlib
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.containers.base import MOST_TENSORS, TensorInfo, legible, map_file, shortened
from ml.containers.dtypes import DTYPES
from ml.containers.json_text import LARGEST_COUNT, JsonCursor
from ml.errors import UnsupportedQuantType

SUFFIX: Final = ".safetensors"
LARGEST_HEADER: Final = 100_000_000
LONGEST_NAME: Final = 65_535
MOST_DIMENSIONS: Final = 64
FIELDS: Final = ("dtype", "shape", "data_offsets")
_METADATA: Final = "__metadata__"
_HINT: Final = (
    "the file is damaged or no safetensors file: fetch or convert it again and compare its digest"
)


@frozen
class _Row:
    """A tensor as the header states it; `at` is where."""

    at: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@frozen(kw_only=True)
class SafetensorsFile:
    """An open safetensors file (a `Container`); names are the file's own."""

    path: Path
    size_bytes: int
    metadata: Mapping[str, object] = field(repr=False)
    """The strings of `__metadata__`."""
    tensors: Mapping[str, TensorInfo] = field(repr=False)
    data: mmap.mmap = field(repr=False)
    format: str = "safetensors"

    def preview(self, key: str, most: int) -> tuple[object, int | None]:
        """Return a value, of an array its first `most` elements and its length."""
        return shortened(self.metadata[key], most)

    def digest(self) -> str:
        """Return the SHA-256 of the whole file, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    def tensor_bytes(self, name: str) -> NDArray[np.uint8]:
        """Return a read-only view `uint8 [size_bytes]` of one tensor."""
        tensor = self.tensors[name]
        return np.frombuffer(self.data, np.uint8, tensor.size_bytes, tensor.offset)


def is_safetensors(path: Path, head: bytes) -> bool:
    """Whether JSON begins after eight bytes, or the file is called one."""
    return bool(head) and (head[8:9] == b"{" or path.suffix == SUFFIX)


def open_safetensors(path: Path) -> SafetensorsFile:
    """Open a safetensors file and check its whole header.

    Raises `FileUnreadable`, `MalformedFile` (with the offset), or `UnsupportedQuantType` where a
    tensor has a type whose size is not known.
    """
    data = map_file(path)
    cursor = _find_header(path, data)
    start = cursor.end
    metadata, rows = _read_header(cursor)
    rows.sort(key=lambda row: (row.begin, row.end))
    _check_cover(cursor, rows, len(data) - start)
    tensors = {row.name: _place(cursor, row, start) for row in rows}
    return SafetensorsFile(
        path=path, size_bytes=len(data), metadata=metadata, tensors=tensors, data=data
    )


def _find_header(path: Path, data: mmap.mmap) -> JsonCursor:
    """A cursor on the first byte of the header, that ends at its last."""
    cursor = JsonCursor(path, memoryview(data), 0, len(data), _HINT)
    if len(data) < 8:
        raise cursor.fail(f"the file has {len(data)} bytes, the length of the header takes 8", 0)
    size = int.from_bytes(data[:8], "little")
    if size > LARGEST_HEADER:
        raise cursor.fail(f"claims a header of {size} bytes, over the limit of {LARGEST_HEADER}", 0)
    if size > len(data) - 8:
        left = len(data) - 8
        raise cursor.fail(f"claims a header of {size} bytes, and the file has {left} left", 0)
    cursor.offset, cursor.end = 8, 8 + size
    if data[8 : min(9, cursor.end)] != b"{":
        raise cursor.fail("the header does not begin with '{'")
    return cursor


def _read_header(cursor: JsonCursor) -> tuple[dict[str, object], list[_Row]]:
    """The strings of `__metadata__`, and the tensors in the order of the header."""
    metadata: dict[str, object] = {}
    rows: list[_Row] = []
    for at, name in cursor.members("the header", LONGEST_NAME):
        if name == _METADATA:
            for _, key in cursor.members(_METADATA, LONGEST_NAME):
                metadata[key] = cursor.text(f"{_METADATA}, {key[:80]!r}", LARGEST_HEADER)
            continue
        if len(rows) == MOST_TENSORS:
            raise cursor.fail(f"the header has more than {MOST_TENSORS} tensors", at)
        rows.append(_read_row(cursor, at, name))
    if cursor.peek():
        raise cursor.fail("the header goes on after its last '}'")
    return metadata, rows


def _read_row(cursor: JsonCursor, at: int, name: str) -> _Row:
    """Read what the header says of one tensor."""
    what = f"tensor {name[:80]}"
    dtype: str | None = None
    shape: tuple[int, ...] | None = None
    offsets: tuple[int, ...] | None = None
    for where, key in cursor.members(what, LONGEST_NAME):
        if key == "dtype":
            dtype = cursor.text(f"the dtype of {what}", 80)
        elif key == "shape":
            shape = _counts(cursor, f"the shape of {what}", MOST_DIMENSIONS)
        elif key == "data_offsets":
            offsets = _counts(cursor, f"the data_offsets of {what}", 2)
        else:
            raise cursor.fail(f"{what} has a field {key[:80]!r}", where)
    if dtype is None or shape is None or offsets is None:
        given = zip(FIELDS, (dtype, shape, offsets), strict=True)
        missing = [key for key, value in given if value is None]
        raise cursor.fail(f"{what} has no {', '.join(missing)}", at)
    if len(offsets) != 2:
        raise cursor.fail(f"{what} has {len(offsets)} data_offsets, not 2", at)
    return _Row(at, name, dtype, shape, offsets[0], offsets[1])


def _counts(cursor: JsonCursor, what: str, most: int) -> tuple[int, ...]:
    """Read an array of whole numbers."""
    counts: list[int] = []
    for _ in cursor.items(what):
        if len(counts) == most:
            raise cursor.fail(f"{what} has more than {most} numbers")
        counts.append(cursor.count(what))
    return tuple(counts)


def _check_cover(cursor: JsonCursor, rows: list[_Row], size: int) -> None:
    """Check that tensors, sorted by offset, cover the data and nothing else."""
    reached, before = 0, "the header"
    for row in rows:
        if row.end < row.begin:
            raise cursor.fail(f"tensor {row.name} ends at {row.end}, before {row.begin}", row.at)
        if row.begin < reached:
            raise cursor.fail(f"tensors {before} and {row.name} overlap", row.at)
        if row.begin > reached:
            gap = f"{row.begin - reached} bytes between {before} and {row.name}"
            raise cursor.fail(f"{gap} belong to no tensor", row.at)
        if row.end > size:
            spans = f"spans bytes {row.begin} to {row.end} of the data"
            raise cursor.fail(f"tensor {row.name} {spans}, which has {size}", row.at)
        reached, before = row.end, row.name
    if reached < size:
        raise cursor.fail(
            f"{size - reached} bytes after {before} belong to no tensor", cursor.end + reached
        )


def _place(cursor: JsonCursor, row: _Row, start: int) -> TensorInfo:
    """Check the extent of a tensor, and say where it lies in the file."""
    quant_type = DTYPES.get(row.dtype)
    if quant_type is None:
        raise UnsupportedQuantType(
            f"{cursor.path.name}: tensor {legible(row.name)} has the dtype {legible(row.dtype)!r}, "
            f"which this version does not know (at byte {row.at})",
            hint=f"the known ones are: {', '.join(DTYPES)}",
        )
    elements = 1
    for extent in row.shape:
        elements *= extent
        if elements > LARGEST_COUNT:
            raise cursor.fail(f"tensor {row.name} has more than 2^64 elements", row.at)
    wanted, size = quant_type.size_bytes(elements), row.end - row.begin
    if wanted != size:
        shown = f"{quant_type.name} {list(row.shape)}"
        raise cursor.fail(f"tensor {row.name} has {size} bytes, and {shown} takes {wanted}", row.at)
    return TensorInfo(
        name=row.name,
        shape=row.shape,
        quant_type=quant_type,
        offset=start + row.begin,
        size_bytes=size,
    )
