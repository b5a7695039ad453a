"""GGUF metadata values: a bounds-checked cursor over the header; long ones decoded on demand.

Layout (little-endian): a string is a u64 length and UTF-8 bytes; a value is a u32 type and its
payload; an array is a u32 element type, a u64 count and the elements. For example the pair
`general.name = "tiny4"` is

    0c 00 00 00 00 00 00 00 "general.name" 08 00 00 00 05 00 00 00 00 00 00 00 "tiny4"

Every length and count is checked against the bytes that are left before it is used, so a hostile
header costs no more memory than its own size.
"""

import struct
from pathlib import Path

import numpy as np
from attrs import define, frozen
from numpy.typing import NDArray

from ml.containers.base import legible
from ml.errors import MalformedFile

HINT = "the file is damaged or not a GGUF file: fetch or convert it again and compare its digest"
STRING, ARRAY, BOOL = 8, 9, 7
# type id -> (struct code, bytes)
SCALARS = {
    0: ("<B", 1),
    1: ("<b", 1),
    2: ("<H", 2),
    3: ("<h", 2),
    4: ("<I", 4),
    5: ("<i", 4),
    6: ("<f", 4),
    7: ("<B", 1),
    10: ("<Q", 8),
    11: ("<q", 8),
    12: ("<d", 8),
}
# Nothing in use nests arrays at all; each inner one is stepped over by itself.
DEEPEST_ARRAY, MOST_INNER_ARRAYS = 4, 1 << 16
# A longer string, such as a chat template, is decoded when it is asked for.
LONGEST_READ_TEXT = 4096


@define
class Cursor:
    """A position in the mapped bytes of a header."""

    path: Path
    data: memoryview
    offset: int = 0

    def fail(self, message: str, offset: int | None = None) -> MalformedFile:
        """Return the error to raise; `offset` where it is not the cursor's own."""
        at = self.offset if offset is None else offset
        return MalformedFile(legible(message), path=self.path, offset=at, hint=HINT)

    def take(self, size: int, what: str) -> int:
        """Step over `size` bytes and return where they began."""
        start = self.offset
        if size > len(self.data) - start:
            left = len(self.data) - start
            raise self.fail(f"{what} needs {size} bytes and the file has {left} left")
        self.offset = start + size
        return start

    def scalar(self, code: str, size: int, what: str) -> int | float:
        """Read one number."""
        value: int | float = struct.unpack_from(code, self.data, self.take(size, what))[0]
        return value

    def u32(self, what: str) -> int:
        """Read an unsigned 32-bit number."""
        return int(self.scalar("<I", 4, what))

    def u64(self, what: str) -> int:
        """Read an unsigned 64-bit number."""
        return int(self.scalar("<Q", 8, what))

    def text(self, what: str, longest: int | None = None) -> str:
        """Read a string; `longest` bounds its bytes."""
        at = self.offset
        length = self.u64(f"the length of {what}")
        if longest is not None and length > longest:
            raise self.fail(f"{what} is {length} bytes long, over the limit of {longest}", at)
        start = self.take(length, what)
        try:
            return str(self.data[start : self.offset], "utf-8")
        except UnicodeDecodeError as error:
            raise self.fail(f"{what} is not UTF-8", start + error.start) from None


@frozen
class LazyArray:
    """An array in the header: checked to lie in the file, decoded when it is asked for."""

    path: Path
    data: memoryview
    element_type: int
    count: int
    start: int

    def decode(self, most: int | None = None) -> tuple[object, ...] | NDArray[np.generic]:
        """Return numbers as a numpy array, strings and nested arrays as a tuple.

        `most` bounds how many elements are decoded, at each depth.
        """
        count = self.count if most is None else min(most, self.count)
        if self.element_type in SCALARS:
            code = "?" if self.element_type == BOOL else SCALARS[self.element_type][0]
            return np.frombuffer(self.data, dtype=code, count=count, offset=self.start)
        cursor = Cursor(self.path, self.data, self.start)
        if self.element_type == STRING:
            return tuple(cursor.text("a string of an array") for _ in range(count))
        nested = (read_array(cursor, "a nested array", 1) for _ in range(count))
        return tuple(array.decode(most) for array in nested)


@frozen
class LazyText:
    """A long string in the header: checked to lie in the file, decoded when it is asked for."""

    path: Path
    data: memoryview
    start: int

    def decode(self) -> str:
        """Return the text; raise `MalformedFile` where it is not UTF-8."""
        return Cursor(self.path, self.data, self.start).text("a long string")


def read_value(cursor: Cursor, key: str) -> object:
    """Read one typed value; arrays come back as `LazyArray`."""
    at = cursor.offset
    value_type = cursor.u32(f"the type of {key!r}")
    if value_type in SCALARS:
        code, size = SCALARS[value_type]
        value = cursor.scalar(code, size, f"the value of {key!r}")
        return bool(value) if value_type == BOOL else value
    if value_type == STRING:
        return _read_text(cursor, key)
    if value_type == ARRAY:
        return read_array(cursor, f"the array {key!r}", 1)
    raise cursor.fail(f"{key!r} has the unknown value type {value_type}", at)


def _read_text(cursor: Cursor, key: str) -> str | LazyText:
    """Read a string, or step over it where it is long."""
    start, what = cursor.offset, f"the value of {key!r}"
    size = cursor.u64(f"the length of {what}")
    if size > LONGEST_READ_TEXT:
        cursor.take(size, what)
        return LazyText(cursor.path, cursor.data, start)
    cursor.offset = start
    return cursor.text(what)


def read_array(cursor: Cursor, what: str, depth: int) -> LazyArray:
    """Step over an array, checking its extent, and return it undecoded."""
    at = cursor.offset
    if depth > DEEPEST_ARRAY:
        raise cursor.fail(f"{what} nests deeper than {DEEPEST_ARRAY} arrays", at)
    element_type = cursor.u32(f"the element type of {what}")
    count = cursor.u64(f"the count of {what}")
    start = cursor.offset
    if element_type in SCALARS:
        cursor.take(count * SCALARS[element_type][1], f"{what} of {count} elements")
    elif element_type in {STRING, ARRAY}:
        # An element takes 8 bytes at the least (12 for an array): refuse the count before looping.
        if count > (len(cursor.data) - start) // 8:
            raise cursor.fail(f"{what} claims {count} elements, more than the file can hold", at)
        if element_type == ARRAY and count > MOST_INNER_ARRAYS:
            raise cursor.fail(f"{what} claims {count} arrays, over the limit", at)
        if element_type == STRING:
            skip_strings(cursor, count, what)
        else:
            for _ in range(count):
                read_array(cursor, what, depth + 1)
    else:
        raise cursor.fail(f"{what} has the unknown element type {element_type}", at)
    return LazyArray(cursor.path, cursor.data, element_type, count, start)


def skip_strings(cursor: Cursor, count: int, what: str) -> None:
    """Step over `count` strings; the hot loop of a large vocabulary."""
    data, offset, end = cursor.data, cursor.offset, len(cursor.data)
    unpack = struct.Struct("<Q").unpack_from
    for _ in range(count):
        if offset + 8 > end:
            raise cursor.fail(f"{what} ends in the middle of a string", offset)
        following = offset + 8 + unpack(data, offset)[0]
        if following > end:
            raise cursor.fail(f"{what} has a string that leaves the file", offset)
        offset = following
    cursor.offset = offset
