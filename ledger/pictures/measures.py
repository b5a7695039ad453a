"""How wide a text is, breaking it into lines, and moving labels apart. Widths are in points.

Measured with the metrics of the font that comes with matplotlib, so that it is the same everywhere.
The fonts that a viewer puts in its place are narrower, or as wide.
"""

import functools
import itertools
import math
from collections.abc import Sequence

from ledger.pictures.style import FONT


def text_width(text: str, size: float) -> float:
    """Width of one line of text at a font size: that of its characters, one after the other."""
    return size * sum(map(_advance, text))


@functools.cache
def _advance(character: str) -> float:
    """How far a character moves the next one, at size 1; a space has no width of its own."""
    return _drawn_width(f"|{character}|") - _drawn_width("||")


@functools.cache
def _drawn_width(text: str) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=FONT, size=1)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def wrap(text: str, width: float, size: float) -> list[str]:
    """Lines that are no wider than `width`; nothing is left out, a long word is broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if text_width(longer, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while text_width(line, size) > width:
            cut = _fitting(line, width, size)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line] if line else lines


def _fitting(word: str, width: float, size: float) -> int:
    """How many characters of a word fit, broken after one of `-_/.:,` where there is one."""
    most = next((n for n in range(len(word), 1, -1) if text_width(word[:n], size) <= width), 1)
    marks = [n for n in range(most, most // 2, -1) if word[n - 1] in "-_/.:,"]
    return marks[0] if marks else most


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Heights near the wanted ones, at least `gap` apart, from `low` up to `high`, in that order.

    Where they do not all fit, they begin at `low`.
    """
    order = sorted(range(len(wanted)), key=lambda n: (wanted[n], n))
    placed = [0.0] * len(wanted)
    at = -math.inf
    for n in order:
        at = max(wanted[n], at + gap, low)
        placed[n] = at
    ceiling = high
    for n in reversed(order):
        placed[n] = max(min(placed[n], ceiling), low)
        ceiling = placed[n] - gap
    for before, n in itertools.pairwise(order):
        placed[n] = max(placed[n], placed[before] + gap)
    return placed


def power(exponent: int) -> str:
    """Ten to a power, as text: 10⁻³."""
    digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return f"10{str(exponent).translate(digits)}"
