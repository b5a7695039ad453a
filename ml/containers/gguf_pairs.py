"""GGUF's metadata as typed values, and the bytes that GGUF writes for them.

Other containers carry these bytes, in base64, so that nothing is lost on the way through them:
a u64 count and the pairs, as `ml.containers.gguf_values` reads them.
"""

import base64
import binascii
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from attrs import frozen

from ml.containers.gguf_values import ARRAY, BOOL, SCALARS, STRING, Cursor, read_value
from ml.errors import UnsupportedModel

#: Name of a type of value -> GGUF's number.
TYPES: Final[Mapping[str, int]] = {
    "u8": 0,
    "i8": 1,
    "u16": 2,
    "i16": 3,
    "u32": 4,
    "i32": 5,
    "f32": 6,
    "bool": BOOL,
    "string": STRING,
    "u64": 10,
    "i64": 11,
    "f64": 12,
}
#: Where other containers have the pairs.
CARRIED: Final = "gguf_pairs"
LARGEST_CARRIED: Final = 64 << 20


@frozen
class Pair:
    """A key and the bytes of its typed value: u32 type and payload."""

    key: str
    data: bytes

    def bytes(self) -> bytes:
        """Return the pair as it stands in a file."""
        return _text(self.key) + self.data


def typed(key: str, type_name: str, value: object) -> Pair:
    """Return a pair with one value, or with an array of them."""
    number = TYPES[type_name]
    if isinstance(value, str):
        return Pair(key, struct.pack("<I", number) + _text(value))
    if isinstance(value, int | float):
        return Pair(key, struct.pack("<I", number) + struct.pack(SCALARS[number][0], value))
    if not isinstance(value, tuple | list | np.ndarray):
        raise UnsupportedModel(
            f"{key} is {type(value).__name__}, which GGUF has no type for", hint="leave it out"
        )
    head = struct.pack("<IIQ", ARRAY, number, len(value))
    if number == STRING:
        return Pair(key, head + b"".join(_text(str(one)) for one in value))
    return Pair(key, head + np.asarray(value, dtype=SCALARS[number][0]).tobytes())


def untyped(key: str, value: object) -> Pair:
    """Return a pair for a value that stands in no GGUF file, with the type that converters give."""
    if isinstance(value, bool):
        return typed(key, "bool", value)
    if isinstance(value, int):
        return typed(key, "u32" if 0 <= value < 2**32 else "i64", value)
    if isinstance(value, tuple | list) and value and isinstance(value[0], bool | int | float | str):
        kinds = {bool: "bool", int: "i32", float: "f32", str: "string"}
        return typed(key, kinds[type(value[0])], value)
    return typed(key, "f32" if isinstance(value, float) else "string", value)


def write_pairs(pairs: Iterable[Pair]) -> bytes:
    """Return all pairs as they stand in a file, without their count."""
    return b"".join(pair.bytes() for pair in pairs)


def carry(pairs: list[Pair]) -> str:
    """Return pairs as text for another container."""
    data = struct.pack("<Q", len(pairs)) + write_pairs(pairs)
    return base64.b64encode(data).decode("ascii")


def read_carried(path: Path, text: str) -> tuple[dict[str, object], list[Pair]]:
    """Return values by key (long ones undecoded), and the pairs; `path` is for messages.

    Raises `MalformedFile`, with the offset within the carried bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Cursor(path, memoryview(b"")).fail(f"{CARRIED} is not base64", 0) from None
    cursor = Cursor(path, memoryview(data))
    count = cursor.u64(f"the count of {CARRIED}")
    if count > (len(data) - 8) // 13:
        raise cursor.fail(f"{CARRIED} claims {count} pairs, more than it can hold", 0)
    values: dict[str, object] = {}
    spans: list[tuple[str, int, int]] = []
    for _ in range(count):
        at = cursor.offset
        key = cursor.text("a key", 65_535)
        if key in values:
            raise cursor.fail(f"the key {key!r} stands twice", at)
        start = cursor.offset
        values[key] = read_value(cursor, key)
        spans.append((key, start, cursor.offset))
    if cursor.offset != len(data):
        raise cursor.fail(f"{CARRIED} goes on after its last pair")
    return values, [Pair(key, data[start:end]) for key, start, end in spans]


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data
