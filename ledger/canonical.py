"""Canonical bytes: the one way this project turns a value into JSON that is hashed.

Keys sorted and ASCII, no white space, UTF-8, encoded by msgspec (spec/formats/entry.md). What JSON
cannot say exactly is refused here, because msgspec would write it differently without a word:
NaN and infinities become `null`, and integers beyond 2^53 lose digits in other readers.
"""

import hashlib
import math
from typing import Any, Final

import msgspec

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = 2**53
#: Exactly these; msgspec refuses subclasses, such as numpy's float64.
_TYPES: Final = frozenset({dict, list, tuple, str, int, float, bool, type(None)})
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
#: Keeps the text of a float as it was written.
_VERBATIM: Final = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode()))


def encode(value: object) -> bytes:
    """Canonical JSON bytes of `value`, in which `problems` found nothing."""
    return _ENCODER.encode(value)


def is_canonical(data: bytes) -> bool:
    """Whether JSON text has each key once, keys sorted, and nothing between the tokens.

    The text of a float is taken as written: how many digits it gets was decided when it was
    recorded, and a later encoder must not make yesterday's entries malformed.
    """
    return _ENCODER.encode(_VERBATIM.decode(data)) == data


def digest(value: object) -> str:
    """`sha256:<hex>` of the canonical bytes of `value`."""
    return "sha256:" + hashlib.sha256(encode(value)).hexdigest()


def problems(value: object, path: str = "", depth: int = 0) -> list[str]:
    """Everything in `value` that canonical JSON cannot hold, each with its path; empty if none."""
    here = path or "value"
    if type(value) not in _TYPES:
        return [f"{here}: {type(value).__name__} is not a JSON value"]
    if depth > MAX_DEPTH:
        return [f"{here}: nested deeper than {MAX_DEPTH} levels"]
    if value is None or isinstance(value, bool):
        return []
    if isinstance(value, int):
        return _integer_problems(value, here)
    if isinstance(value, float):
        return _float_problems(value, here)
    if isinstance(value, str):
        return _text_problems(value, here)
    if isinstance(value, dict):
        return _object_problems(value, path, here, depth)
    found = []
    for index, item in enumerate(value if isinstance(value, (list, tuple)) else ()):
        found += problems(item, f"{path}[{index}]", depth + 1)
    return found


def _integer_problems(value: int, here: str) -> list[str]:
    if abs(value) <= MAX_INTEGER:
        return []
    return [f"{here}: {value} is beyond 2^53; write it as a string"]


def _float_problems(value: float, here: str) -> list[str]:
    if math.isfinite(value):
        return []
    name = name_of(value)
    return [f'{here}: not finite; where the field allows it, spell it as the string "{name}"']


def name_of(value: float) -> str:
    """The text that stands for a number that is not finite."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _text_problems(value: str, here: str) -> list[str]:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return [f"{here}: contains a lone surrogate, which UTF-8 cannot hold"]
    return []


def _object_problems(value: dict[Any, Any], path: str, here: str, depth: int) -> list[str]:
    found = []
    for key, item in value.items():
        if not isinstance(key, str) or not key.isascii() or not key.isprintable() or not key:
            found.append(f"{here}: key {key!r} is not printable ASCII text")
            continue
        found += problems(item, f"{path}.{key}" if path else key, depth + 1)
    return found
