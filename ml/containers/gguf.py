"""GGUF versions 2 and 3, read by an own parser.

Header: magic `GGUF`, u32 version, u64 tensor count, u64 pair count; the pairs; then for each tensor
its name, u32 dimensions, u64 extents (innermost first), u32 GGML type and u64 offset from the data
section, which begins at the next multiple of `general.alignment` (32 if absent).

Invariants after `open_gguf`: every tensor lies in the file, is aligned, overlaps no other, and
fills whole blocks of a known type; names and keys are unique.
"""

import hashlib
import math
import mmap
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.containers.base import MOST_TENSORS, TensorInfo, legible, map_file
from ml.containers.gguf_pairs import Pair
from ml.containers.gguf_values import Cursor, LazyArray, LazyText, read_value
from ml.errors import UnsupportedQuantType
from ml.quant_types import find

MAGIC = b"GGUF"
VERSIONS = (2, 3)
LONGEST_NAME = 65_535
MOST_DIMENSIONS = 4
DEFAULT_ALIGNMENT = 32
LARGEST_ALIGNMENT = 1 << 20
# The fewest bytes a pair (empty key, one-byte value) and a tensor (empty name, no dimension) take.
SMALLEST_PAIR, SMALLEST_TENSOR = 13, 24
# A real model has under a hundred pairs; each that is claimed is kept in memory.
MOST_PAIRS = 1 << 16


@frozen
class LazyMetadata(Mapping[str, object]):
    """Metadata by key; an array is decoded each time it is asked for, and not kept."""

    values_by_key: dict[str, object]

    def __getitem__(self, key: str) -> object:
        value = self.values_by_key[key]
        return value.decode() if isinstance(value, LazyArray | LazyText) else value

    def preview(self, key: str, most: int) -> tuple[object, int | None]:
        """Return a value, of an array only its first elements and their count."""
        value = self.values_by_key[key]
        if isinstance(value, LazyArray):
            return tuple(value.decode(most)), value.count
        return self[key], None

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_key)

    def __len__(self) -> int:
        return len(self.values_by_key)


@frozen(kw_only=True)
class GgufFile:
    """An open GGUF file (a `Container`)."""

    path: Path
    format: str
    size_bytes: int
    metadata: LazyMetadata = field(repr=False)
    tensors: Mapping[str, TensorInfo] = field(repr=False)
    data: mmap.mmap = field(repr=False)
    spans: Mapping[str, tuple[int, int]] = field(repr=False)
    """By key: where its typed value begins and ends."""
    header_end: int
    """Bytes of header, pairs and table of tensors."""

    def preview(self, key: str, most: int) -> tuple[object, int | None]:
        """Return a value, of an array its first `most` elements and its length."""
        return self.metadata.preview(key, most)

    def pairs(self) -> list[Pair]:
        """Return the metadata as it stands in the file, in its order."""
        return [Pair(key, self.data[start:end]) for key, (start, end) in self.spans.items()]

    def digest(self) -> str:
        """Return the SHA-256 of the whole file, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    def tensor_bytes(self, name: str) -> NDArray[np.uint8]:
        """Return a read-only view `uint8 [size_bytes]` of one tensor."""
        tensor = self.tensors[name]
        return np.frombuffer(self.data, np.uint8, tensor.size_bytes, tensor.offset)


def is_gguf(path: Path, head: bytes) -> bool:  # noqa: ARG001 - the list asks all alike
    """Whether the first bytes are GGUF's; a file shorter than the magic is a truncated one."""
    return head.startswith(MAGIC) or (bool(head) and MAGIC.startswith(head))


def open_gguf(path: Path) -> GgufFile:
    """Open a GGUF file and check its whole header.

    Raises `FileUnreadable`, `MalformedFile` (with the offset), or `UnsupportedQuantType` where a
    tensor has a type whose size is not known.
    """
    data = map_file(path)
    cursor = Cursor(path, memoryview(data))
    version, tensor_count, pair_count = _read_preamble(cursor)
    pairs, spans = _read_pairs(cursor, pair_count)
    alignment = _alignment(cursor, pairs)
    tensors = _read_tensors(cursor, tensor_count, alignment)
    _check_overlaps(cursor, tensors)
    return GgufFile(
        path=path,
        format=f"gguf v{version}",
        size_bytes=len(data),
        metadata=LazyMetadata(pairs),
        tensors=tensors,
        data=data,
        spans=spans,
        header_end=cursor.offset,
    )


def _read_preamble(cursor: Cursor) -> tuple[int, int, int]:
    """Return version, tensor count and pair count."""
    if bytes(cursor.data[:4]) != MAGIC:
        raise cursor.fail(f"does not begin with {MAGIC.decode()}", 0)
    cursor.offset = 4
    version = cursor.u32("the version")
    if version not in VERSIONS:
        # A big-endian file has its version in the upper bytes.
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
        more = " (a big-endian file)" if swapped in VERSIONS else ""
        raise cursor.fail(f"GGUF version {version}{more}; versions 2 and 3 are read", 4)
    tensor_count, pair_count = cursor.u64("the tensor count"), cursor.u64("the pair count")
    left = len(cursor.data) - cursor.offset
    for what, count, most, smallest, at in (
        ("tensors", tensor_count, MOST_TENSORS, SMALLEST_TENSOR, 8),
        ("pairs", pair_count, MOST_PAIRS, SMALLEST_PAIR, 16),
    ):
        if count > left // smallest:
            raise cursor.fail(f"claims {count} {what}, more than the file can hold", at)
        if count > most:
            raise cursor.fail(f"claims {count} {what}, over the limit of {most}", at)
    return version, tensor_count, pair_count


def _read_pairs(cursor: Cursor, count: int) -> tuple[dict[str, object], dict[str, tuple[int, int]]]:
    """Return values by key, and where each stands."""
    pairs: dict[str, object] = {}
    spans: dict[str, tuple[int, int]] = {}
    for _ in range(count):
        at = cursor.offset
        key = cursor.text("a key", LONGEST_NAME)
        if key in pairs:
            raise cursor.fail(f"the key {key!r} stands twice", at)
        start = cursor.offset
        pairs[key] = read_value(cursor, key)
        spans[key] = start, cursor.offset
    return pairs, spans


def _alignment(cursor: Cursor, pairs: Mapping[str, object]) -> int:
    alignment = pairs.get("general.alignment", DEFAULT_ALIGNMENT)
    if (
        not isinstance(alignment, int)
        or isinstance(alignment, bool)
        or not 1 <= alignment <= LARGEST_ALIGNMENT
        or alignment & (alignment - 1)
    ):
        raise cursor.fail(f"general.alignment is {alignment!r}, not a power of two up to 2^20")
    return alignment


def _read_tensors(cursor: Cursor, count: int, alignment: int) -> dict[str, TensorInfo]:
    """Read the tensor table, then place each tensor in the file."""
    rows = [_read_tensor(cursor) for _ in range(count)]
    data_start = -(-cursor.offset // alignment) * alignment
    tensors: dict[str, TensorInfo] = {}
    for at, name, shape, number, offset in rows:
        if name in tensors:
            raise cursor.fail(f"the tensor {name} stands twice", at)
        quant_type = find(number)
        if quant_type is None:
            raise UnsupportedQuantType(
                f"tensor {legible(name)} has GGML type {number}, which this version does not know",
                hint="convert the model to a type that this version reads",
            )
        elements = math.prod(shape)
        if shape and shape[-1] % quant_type.block_size:
            row = f"rows of {shape[-1]} elements"
            raise cursor.fail(f"tensor {name} has {row}, which fill no {quant_type.name} block", at)
        if offset % alignment:
            raise cursor.fail(f"tensor {name} is not aligned to {alignment} bytes", at)
        start, size = data_start + offset, quant_type.size_bytes(elements)
        if start + size > len(cursor.data):
            raise cursor.fail(
                f"tensor {name} spans bytes {start} to {start + size}, past the end of the file "
                f"({len(cursor.data)} bytes)",
                at,
            )
        tensors[name] = TensorInfo(
            name=name, shape=shape, quant_type=quant_type, offset=start, size_bytes=size
        )
    return tensors


def _read_tensor(cursor: Cursor) -> tuple[int, str, tuple[int, ...], int, int]:
    """Read one row: where it stands, name, shape (outermost first), type number, offset."""
    at = cursor.offset
    name = cursor.text("a tensor name", LONGEST_NAME)
    dimensions = cursor.u32(f"the dimensions of {name}")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise cursor.fail(f"tensor {name} has {dimensions} dimensions, not 1 to 4", at)
    extents = [cursor.u64(f"an extent of {name}") for _ in range(dimensions)]
    if 0 in extents:
        raise cursor.fail(f"tensor {name} has an extent of 0", at)
    number = cursor.u32(f"the type of {name}")
    offset = cursor.u64(f"the offset of {name}")
    return at, name, tuple(reversed(extents)), number, offset


def _check_overlaps(cursor: Cursor, tensors: Mapping[str, TensorInfo]) -> None:
    ordered = sorted(tensors.values(), key=lambda tensor: tensor.offset)
    for before, after in pairwise(ordered):
        if before.offset + before.size_bytes > after.offset:
            raise cursor.fail(f"tensors {before.name} and {after.name} overlap", after.offset)
