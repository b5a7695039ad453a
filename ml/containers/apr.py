"""APR version 2 (spec/formats/apr.md), read by an own parser.

Header of 64 bytes, metadata as JSON, an index of tensors in byte order of their names, the data of
each at a multiple of 64, and the CRC-32 of all that. Numbers are little-endian, shapes outermost
first, rows of q and k in Hugging Face's order.

Invariants after `open_apr`: the header has its checksum; metadata, index, data and footer lie in
this order and inside the file; names are sorted and stand once; every tensor lies in the data,
overlaps no other, and has the bytes that type and shape say. The footer is checked at once for a
file of up to `LARGEST_CHECKED` bytes, and for a larger one when its digest is asked for.
"""

import hashlib
import mmap
import struct
import zlib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from ml.containers import apr_layout as layout
from ml.containers.apr_metadata import HINT, AprMetadata, Document, read_document, to_metadata
from ml.containers.base import MOST_TENSORS, TensorInfo, legible, map_file
from ml.containers.gguf_pairs import Pair
from ml.containers.names import canonical_name
from ml.errors import MalformedFile, UnsupportedModel, UnsupportedQuantType

#: Bytes: reading so many takes a twentieth of a second.
LARGEST_CHECKED: Final = 64 << 20
#: The fewest bytes an entry takes: an empty name, no dimension.
SMALLEST_ENTRY: Final = 20
_PIECE: Final = 1 << 24


@frozen(kw_only=True)
class AprHeader:
    """What the first 64 bytes say."""

    flags: int
    tensor_count: int
    metadata_offset: int
    metadata_size: int
    index_offset: int
    data_offset: int


@frozen(kw_only=True)
class AprFile:
    """An open APR file (a `Container`); tensors have their canonical names."""

    path: Path
    size_bytes: int
    header: AprHeader
    document: Document = field(repr=False)
    """The JSON of the file."""
    metadata: AprMetadata = field(repr=False)
    tensors: Mapping[str, TensorInfo] = field(repr=False)
    index_end: int
    data: mmap.mmap = field(repr=False)
    format: str = "apr v2.0"

    def preview(self, key: str, most: int) -> tuple[object, int | None]:
        """Return a value, of an array its first `most` elements and its length."""
        return self.metadata.preview(key, most)

    def digest(self) -> str:
        """Return the SHA-256 of the whole file, in hex; raise `MalformedFile` by its footer."""
        check_footer(self.path, self.data)
        return hashlib.sha256(self.data).hexdigest()

    def tensor_bytes(self, name: str) -> NDArray[np.uint8]:
        """Return a read-only view `uint8 [size_bytes]` of one tensor."""
        tensor = self.tensors[name]
        return np.frombuffer(self.data, np.uint8, tensor.size_bytes, tensor.offset)

    def pairs(self) -> list[Pair]:
        """Return GGUF's pairs that the file carries; empty where it has none."""
        return list(self.metadata.pairs)


def is_apr(path: Path, head: bytes) -> bool:  # noqa: ARG001 - the list asks all alike
    """Whether the first bytes are those of an APR file, of this version or an older one."""
    return head.startswith((layout.MAGIC, *layout.OLDER_MAGICS)) or head in (b"A", b"AP", b"APR")


def open_apr(path: Path) -> AprFile:
    """Open an APR file and check its header, metadata and index, and a small one as a whole.

    Raises `FileUnreadable`, `MalformedFile` (with the offset), `UnsupportedModel` for what a flag
    asks for, or `UnsupportedQuantType` where a tensor has an unknown type.
    """
    data = map_file(path)
    header = _read_header(path, data)
    _check_sections(path, header, len(data))
    if len(data) <= LARGEST_CHECKED:
        check_footer(path, data)
    view = memoryview(data)
    document = read_document(path, view, header.metadata_offset, header.metadata_size)
    index = _Index(path=path, data=view, offset=header.index_offset, end=header.data_offset)
    tensors = _read_tensors(index, header, len(data) - layout.FOOTER_SIZE)
    return AprFile(
        path=path,
        size_bytes=len(data),
        header=header,
        document=document,
        metadata=to_metadata(document),
        tensors=tensors,
        index_end=index.offset,
        data=data,
    )


def check_footer(path: Path, data: mmap.mmap) -> None:
    """Compute the CRC-32 of the file and hold it against its last four bytes."""
    found, end = 0, len(data) - layout.FOOTER_SIZE
    for start in range(0, end, _PIECE):
        found = zlib.crc32(memoryview(data)[start : min(start + _PIECE, end)], found)
    stated = int.from_bytes(data[end:], "little")
    if found != stated:
        raise _fail(path, f"the footer says CRC-32 {stated:08x}, the bytes have {found:08x}", end)


def _fail(path: Path, message: str, offset: int) -> MalformedFile:
    return MalformedFile(legible(message), path=path, offset=offset, hint=HINT)


def _read_header(path: Path, data: mmap.mmap) -> AprHeader:
    magic = data[:4]
    if magic in layout.OLDER_MAGICS:
        raise UnsupportedModel(
            f"{path.name} is an APR file of before version 2 ({magic.decode()})",
            hint="convert it to APR v2, GGUF or safetensors with the program that wrote it",
        )
    if len(data) < layout.HEADER_SIZE + layout.FOOTER_SIZE or magic != layout.MAGIC:
        raise _fail(path, f"{len(data)} bytes are no APR header and footer", 0)
    raw = data[: layout.HEADER_SIZE]
    stated, found = layout.stored_crc(raw), layout.header_crc(raw)
    if stated != found:
        raise _fail(path, f"the header says CRC-32 {stated:08x}, its bytes have {found:08x}", 40)
    _, major, minor, flags, *counts = layout.FIELDS.unpack_from(raw)
    if (major, minor) != (layout.MAJOR, layout.MINOR):
        raise UnsupportedModel(
            f"{path.name} is APR version {major}.{minor}; version 2.0 is read",
            hint="convert it with the program that wrote it",
        )
    _check_flags(path, flags)
    names = ("tensor_count", "metadata_offset", "metadata_size", "index_offset", "data_offset")
    return AprHeader(flags=flags, **dict(zip(names, counts, strict=True)))


def _check_flags(path: Path, flags: int) -> None:
    bits = [1 << bit for bit in range(16) if flags & 1 << bit]
    refused = [
        layout.FLAGS.get(bit, (f"{bit:#x}", False))[0]
        for bit in bits
        if not layout.FLAGS.get(bit, ("", False))[1]
    ]
    if refused:
        raise UnsupportedModel(
            f"{path.name} has the flag {', '.join(refused)}, which is not implemented",
            hint="write it plain, in one file, row by row, with the program that wrote it",
        )


def _check_sections(path: Path, header: AprHeader, size: int) -> None:
    """Header, metadata, index, data, footer: in this order, and inside the file."""
    if header.metadata_size > layout.LARGEST_METADATA:
        shown = f"metadata of {header.metadata_size} bytes, over the limit of 16 MiB"
        raise _fail(path, f"claims {shown}", 20)
    edges = (
        (12, "the metadata", layout.HEADER_SIZE, header.metadata_offset),
        (24, "the index", header.metadata_offset + header.metadata_size, header.index_offset),
        (32, "the data", header.index_offset, header.data_offset),
        (32, "the footer", header.data_offset, size - layout.FOOTER_SIZE),
    )
    for at, what, least, start in edges:
        if start < least or start > size - layout.FOOTER_SIZE:
            where = f"at byte {start}, not between {least} and {size - layout.FOOTER_SIZE}"
            raise _fail(path, f"{what} would begin {where}", at)
    if header.tensor_count > (header.data_offset - header.index_offset) // SMALLEST_ENTRY:
        raise _fail(path, f"claims {header.tensor_count} tensors, more than its index can hold", 8)
    if header.tensor_count > MOST_TENSORS:
        raise _fail(path, f"claims {header.tensor_count} tensors, over the limit", 8)


@define(kw_only=True)
class _Index:
    """A position in the bytes of the index, which ends at `end`."""

    path: Path
    data: memoryview
    offset: int
    end: int

    def fail(self, message: str, at: int) -> MalformedFile:
        return _fail(self.path, message, at)

    def take(self, size: int, what: str) -> memoryview:
        """Step over bytes and return them."""
        start = self.offset
        if size > self.end - start:
            left = self.end - start
            raise self.fail(f"{what} needs {size} bytes and the index has {left} left", start)
        self.offset = start + size
        return self.data[start : start + size]

    def name(self) -> str:
        """Read a name."""
        at = self.offset
        (length,) = struct.unpack("<H", self.take(2, "the length of a name"))
        if length > layout.LONGEST_NAME:
            raise self.fail(f"a name is {length} bytes long, over the limit of 256", at)
        try:
            return str(self.take(length, "a name"), "utf-8")
        except UnicodeDecodeError as error:
            raise self.fail("a name is not UTF-8", at + 2 + error.start) from None


def _read_tensors(index: _Index, header: AprHeader, data_end: int) -> dict[str, TensorInfo]:
    """Read the index, place each tensor in the file, and give it its canonical name."""
    tensors: dict[str, TensorInfo] = {}
    before: str | None = None
    for _ in range(header.tensor_count):
        at = index.offset
        tensor = _read_tensor(index, header, data_end)
        stored = str(tensor.stored_as)
        if before is not None and stored.encode() <= before.encode():
            raise index.fail(f"the name {stored} does not come after {before}", at)
        if tensor.name in tensors:
            both = f"{tensors[tensor.name].stored_as} and {stored}"
            raise index.fail(f"{both} are both {tensor.name}", at)
        tensors[tensor.name] = tensor
        before = stored
    ordered = sorted(tensors.values(), key=lambda tensor: tensor.offset)
    for one, other in pairwise(ordered):
        if one.offset + one.size_bytes > other.offset:
            raise index.fail(f"{one.stored_as} and {other.stored_as} overlap", other.offset)
    return tensors


def _read_tensor(index: _Index, header: AprHeader, data_end: int) -> TensorInfo:
    at = index.offset
    name = index.name()
    number, dimensions = index.take(2, f"type and dimensions of {name}")
    dtype = layout.DTYPES_BY_ID.get(number)
    if dtype is None:
        raise UnsupportedQuantType(
            f"{index.path.name}: tensor {legible(name)} has APR's type {number}, which does not "
            f"exist (at byte {at})",
            hint=f"the known ones are: {', '.join(map(str, layout.DTYPES_BY_ID))}",
        )
    if dimensions > layout.MOST_DIMENSIONS:
        raise index.fail(f"tensor {name} has {dimensions} dimensions, not up to 8", at)
    sizes = struct.unpack(
        f"<{dimensions + 2}Q", index.take(8 * dimensions + 16, f"the extents of {name}")
    )
    shape, offset, size = sizes[:-2], sizes[-2], sizes[-1]
    elements = 1
    for extent in shape:
        elements *= extent
    if elements == 0 or elements >= 2**63:
        raise index.fail(f"tensor {name} has the shape {list(shape)}", at)
    kind = dtype.of_shape(shape)
    if elements % kind.block_size or kind.size_bytes(elements) != size:
        raise index.fail(f"tensor {name} has {size} bytes: no {kind.name} {list(shape)}", at)
    start = header.data_offset + offset
    if start + size > data_end:
        raise index.fail(f"tensor {name} spans bytes {start} to {start + size}, past the data", at)
    return TensorInfo(
        name=canonical_name(name),
        shape=shape,
        quant_type=kind,
        offset=start,
        size_bytes=size,
        stored_as=name,
    )
