"""Two small traces and their distance, computed from spec/formats/trace.md and sketch.md alone.

Part of `write_ledger.py`; never changed, for the same reason.
"""

import math
import struct

TOKENS = struct.pack("<3I", 319, 75, 78)
COLUMNS = (
    "count", "mean", "m2", "min", "max", "abs_sum", "nan_count", "pos_inf_count", "neg_inf_count",
    "zero_count",
)  # fmt: skip
#: Eighths, so that every sum is exact: rows of the points `embedding` and `logits`.
ROWS = {
    "embedding": [[(7 * row + 3 * i) % 16 / 8 - 0.5 for i in range(8)] for row in range(3)],
    "logits": [[(5 * row + 11 * i) % 32 / 8 - 2.0 for i in range(16)] for row in range(3)],
}


def statistics(values: list[float]) -> list[float]:
    """The ten columns over finite values (spec/formats/trace.md)."""
    mean = sum(values) / len(values)
    m2 = sum((value - mean) ** 2 for value in values)
    extremes = [min(values), max(values), sum(map(abs, values))]
    return [float(len(values)), mean, m2, *extremes, 0.0, 0.0, 0.0, float(values.count(0.0))]


def sketch(values: list[float]) -> list[float]:
    """The sixty-four lanes (spec/formats/sketch.md)."""
    lanes = [0.0] * 64
    for channel, value in enumerate(values):
        turn = fmix32(channel // 64 + 0x85EBCA6B) >> 8
        sign = -1 if fmix32(channel + 0x9E3779B9) % 2 else 1
        lanes[(channel + turn) % 64] += sign * value
    return lanes


def fmix32(h: int) -> int:
    """MurmurHash3's 32-bit finaliser."""
    h %= 2**32
    h = (h ^ (h >> 16)) * 0x85EBCA6B % 2**32
    h = (h ^ (h >> 13)) * 0xC2B2AE35 % 2**32
    return h ^ (h >> 16)


def distance(a: list[float], b: list[float]) -> float:
    """The distance of two rows by their sketches."""
    squares = sum((x - y) ** 2 for x, y in zip(sketch(a), sketch(b), strict=True))
    return math.sqrt(squares / sum(value**2 for value in a))
