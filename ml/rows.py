"""Which rows of a trace are looked at and kept, and the blob they are kept in.

A trace looks at all rows, at the last one, or at a slice of them: its pooled statistics cover just
those. Of them it keeps every row up to 64, else the first 4, the last 16 and 44 evenly spaced
between. What it says of that (`Rows.selection`) follows from the positions, not from how somebody
spelled them: `last`, `-1:` and `6` of seven tokens are one selection (spec/formats/trace.md).

The blob is little-endian float32 `[points, kept rows, 10 + 64]`: points in computation order, rows
ascending, then the ten statistics and the 64 lanes of the sketch.
"""

import re
from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.errors import BadOption, MalformedTrace
from ml.sketch import LANES
from ml.statistics import WIDTH

MOST_ROWS, FIRST, LAST, BETWEEN = 64, 4, 16, 44
COLUMNS = WIDTH + LANES
ALL: Final = "all"
LAST_ROW: Final = "last"
SAMPLED: Final = "first 4, last 16, 44 evenly spaced between"
_SLICE: Final = re.compile(r"(-?[0-9]{1,9})?:(-?[0-9]{1,9})?(?::([0-9]{1,9}))?")
_HINT: Final = f"{ALL}, {LAST_ROW}, one row as a number, or START:STOP or START:STOP:STEP"


@frozen(kw_only=True)
class Rows:
    """Rows of a trace."""

    chosen: tuple[int, ...]
    """Rows that pooled statistics cover, ascending; the last of them is the last row."""
    kept: tuple[int, ...]
    """Rows in the blob, ascending."""
    selection: str
    """How they were selected, as the identity record says it."""


def select(spec: str, count: int) -> Rows:
    """Return the rows that `all`, `last`, a row or a slice means of `count` rows.

    Raises `BadOption` for what is none of these, and for a selection without a row.

    >>> select("-2:", 7).chosen, select("-2:", 7).selection
    ((5, 6), 'rows 5 to 6')
    """
    return of_positions(_positions(spec, count), count)


def select_with_generated(spec: str, prompt: int, generated: int, every: int) -> Rows:
    """Return the rows that `spec` means of a prompt, and every `every`th of those generated behind.

    >>> select_with_generated("last", 7, 6, 3).chosen
    (6, 9, 12)
    """
    if every < 1:
        raise BadOption(f"every {every}th token is none", hint="give a whole number from 1")
    behind = range(prompt + every - 1, prompt + generated, every)
    return of_positions((*_positions(spec, prompt), *behind), prompt + generated)


def of_positions(chosen: tuple[int, ...], count: int) -> Rows:
    """Return these rows of `count`, ascending, with those that are kept of them."""
    kept = tuple(chosen[row] for row in kept_rows(len(chosen)))
    parts = [_name(chosen, count)] + ([SAMPLED] if len(kept) < len(chosen) else [])
    # The oldest selection is called by its sample alone, and stays so.
    selection = SAMPLED if parts == [ALL, SAMPLED] else ", of these ".join(parts)
    return Rows(chosen=chosen, kept=kept, selection=selection)


def _positions(spec: str, count: int) -> tuple[int, ...]:
    if spec == ALL:
        return tuple(range(count))
    if spec == LAST_ROW:
        return (count - 1,)
    if match := _SLICE.fullmatch(spec):
        start, stop, step = (None if part is None else int(part) for part in match.groups())
        if step == 0:
            raise BadOption(f"rows {spec!r}: a step of 0 goes nowhere", hint=_HINT)
        found = tuple(range(count))[slice(start, stop, step)]
    elif re.fullmatch(r"-?[0-9]{1,9}", spec):
        row = int(spec)
        found = tuple(range(count))[row : row + 1 or None]
    else:
        raise BadOption(f"{spec!r} selects no rows", hint=_HINT)
    if not found:
        raise BadOption(f"rows {spec!r}: there are {count}, 0 to {count - 1}", hint=_HINT)
    return found


def _name(chosen: tuple[int, ...], count: int) -> str:
    """What positions are called: all, last, a range with its step, or each by its number."""
    if len(chosen) == count:
        return ALL
    if chosen == (count - 1,):
        return LAST_ROW
    first, last = chosen[0], chosen[-1]
    step = chosen[1] - first if len(chosen) > 1 else 1
    if chosen != tuple(range(first, last + 1, step)):
        return "rows " + " ".join(map(str, chosen))
    ends = f"row {first}" if first == last else f"rows {first} to {last}"
    return ends + (f" by {step}" if step > 1 else "")


def kept_rows(count: int) -> tuple[int, ...]:
    """Return which of `count` rows are kept, ascending.

    >>> kept_rows(3)
    (0, 1, 2)
    >>> len(kept_rows(1000))
    64
    """
    if count <= MOST_ROWS:
        return tuple(range(count))
    low, high = FIRST, count - LAST  # rows low … high - 1 lie between; there are at least 45
    spread = high - 1 - low
    between = [low + spread * i // (BETWEEN - 1) for i in range(BETWEEN)]
    return (*range(FIRST), *between, *range(high, count))


def to_blob(rows: NDArray[np.float32]) -> bytes:
    """Return the bytes of `float32 [points, kept rows, 74]`, every NaN in one canonical form."""
    canonical = np.where(np.isnan(rows), np.float32(np.nan), rows)
    return canonical.astype("<f4").tobytes()


def from_blob(blob: bytes, points: int, count: int) -> NDArray[np.float32]:
    """Return `float32 [points, count, 74]`; raise `MalformedTrace` where the size does not fit."""
    expected = points * count * COLUMNS * 4
    if len(blob) != expected:
        raise MalformedTrace(
            f"the blob has {len(blob)} bytes, and {points} points of {count} rows take {expected}",
            hint="the blob belongs to another trace, or was cut: audit the ledger",
        )
    array = np.frombuffer(blob, dtype="<f4").reshape(points, count, COLUMNS)
    return array.astype(np.float32, copy=False)
