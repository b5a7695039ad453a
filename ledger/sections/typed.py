"""Typed numbers: a number in prose where a cell on record has that value.

A number counts within the precision it is printed with: 3.29 is any value from 3.285 to 3.295. A
short integer (less than three digits) is a count of this or that, and only counts beside the unit,
the metric or the run of a cell; so do the numbers of training steps, which are many. Years, dates,
versions, numbers of sections and lists are no numbers here, nor is anything in code or Jinja.
"""

import bisect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import attrs

from ledger.sections.markdown import blank, line_of, prose_of
from ledger.sections.short_form import format_cell, short_cells

#: What looks like a number and is a name.
_NAMES: Final = re.compile(
    "|".join(
        (
            r"^[ \t]*#+[ \t]+\d+(?:\.\d+)*\.?(?=[ \t])",  # a numbered heading
            r"^[ \t>]*(?:[-*+][ \t]+)?\d+[.)](?=[ \t])",  # an item of a list
            r"\[\^\w+\]:?",  # a footnote
            r"§+[ \t]*\d+(?:\.\d+)*",
            r"\b[Ss]ections?[ \t]+\d+(?:\.\d+)*",
            "\\b[Pp]ositions?[ \t]+\\d+(?:[ \t]*(?:,|and|to|\N{EN DASH}|-)[ \t]*\\d+)*",
            r"\b\d{4}-\d\d(?:-\d\d)?(?:T[\d:.]+Z?)?\b",  # a date
            r"\b\d{1,2}:\d\d(?::\d\d)?\b",  # a time of the day
            r"\bv\d+(?:\.\d+)*\w*\b",
            r"\b[Vv]ersions?[ \t]+\d+(?:\.\d+)*\b",
            r"\b\d+\.\d+\.\d+[\w.]*\b",
            r"\b\d+(?:st|nd|rd|th)\b",
        )
    ),
    re.MULTILINE,
)
_NUMBER: Final = re.compile(
    r"(?<![^\W_])(?<![^\W_]_)(?<![.,/:#§^@-])(?P<sign>[-+\N{MINUS SIGN}]?)"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?P<exponent>[eE][-+]?\d{1,3})?"
    r"(?![.,]?\d|-\w)(?P<suffix>[^\W\d_]*)"
)
_YEARS: Final = range(1900, 2100)
#: An integer with fewer digits is only a finding beside the words of a cell.
_SHORT: Final = 3
#: So many cells are named of one number.
_NAMED: Final = 3
#: Slack for the halves of the last digit, which binary fractions miss.
_SLACK: Final = 1e-9


@attrs.frozen(slots=True, kw_only=True)
class Typed:
    """A number as it stands in prose: its value, half a step of its last digit, what follows it."""

    text: str
    line: int
    value: float
    half: float
    is_short: bool
    is_year: bool
    after: str
    around: str


@attrs.frozen(slots=True)
class Match:
    """A typed number and the cells that have its value."""

    typed: Typed
    cells: tuple[Mapping[str, Any], ...]

    def message(self) -> str:
        """What to write instead."""
        named = [_named(cell) for cell in self.cells[:_NAMED]]
        more = f" and {len(self.cells) - _NAMED} more" if len(self.cells) > _NAMED else ""
        return f"{self.typed.text} is typed; a cell has that value: {', '.join(named)}{more}"


def _named(cell: Mapping[str, Any]) -> str:
    is_clear = cell["name"] is not None and cell["is_only"]
    reference = (
        f"{cell['metric']} of {cell['name']}" if is_clear else f"position {cell['position']}"
    )
    return format_cell(reference, cell["unit"])


def typed_numbers(body: str) -> Iterator[Typed]:
    """Each number of a section's prose that is no name."""
    prose = blank(prose_of(body), [(cell.start, cell.end) for cell in short_cells(body)])
    prose = blank(prose, [match.span() for match in _NAMES.finditer(prose)])
    lines = body.split("\n")
    for match in _NUMBER.finditer(prose):
        digits = match["digits"].replace(",", "")
        sign = "-" if match["sign"] in ("-", "\N{MINUS SIGN}") else ""
        exact = Decimal(sign + digits + (match["exponent"] or ""))
        value = float(exact)
        exponent = exact.as_tuple().exponent
        if not math.isfinite(value) or not isinstance(exponent, int):
            continue
        line = line_of(prose, match.start())
        is_plain = "." not in digits and match["exponent"] is None
        rest = prose[match.start("suffix") :].split("\n", 1)[0]
        yield Typed(
            text=match[0][: len(match[0]) - len(match["suffix"])],
            line=line,
            value=value,
            half=0.5 * 10.0**exponent,
            is_short=is_plain and len(digits.lstrip("0")) < _SHORT,
            is_year=is_plain and not sign and int(digits) in _YEARS and "," not in match["digits"],
            after=rest,
            around=lines[line - 1],
        )


def find_typed(body: str, cells: Sequence[Mapping[str, Any]]) -> Iterator[Match]:
    """Each typed number of a section that a cell has."""
    known = _numeric(cells)
    values = [value for value, _ in known]
    units = sorted({str(cell["unit"]) for _, cell in known if cell["unit"]}, key=len)
    for typed in typed_numbers(body):
        unit = _unit_after(typed.after, units)
        if unit is None and re.match(r"[^\W\d_]", typed.after):
            continue  # 7B, 3D, 16k
        found = [
            cell
            for scale, scaled_unit in _readings(unit)
            for cell in _within(typed, scale, values, known)
            if _fits(typed, cell, scaled_unit)
        ]
        if found:
            yield Match(typed, tuple(found))


def _numeric(cells: Sequence[Mapping[str, Any]]) -> list[tuple[float, Mapping[str, Any]]]:
    """The finite numbers among the cells, ascending, each saying whether its name is its alone."""
    counts: dict[tuple[Any, Any], int] = {}
    for cell in cells:
        name = (cell["metric"], cell["name"])
        counts[name] = counts.get(name, 0) + 1
    found = []
    for cell in cells:
        value = cell["value"]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if math.isfinite(value):
            is_only = counts[cell["metric"], cell["name"]] == 1
            found.append((float(value), {**cell, "is_only": is_only}))
    return sorted(found, key=lambda one: (one[0], one[1]["position"], str(one[1]["what"])))


def _unit_after(after: str, units: Sequence[str]) -> str | None:
    """The longest unit of any cell that stands right after a number; `%` is one."""
    text = after.lstrip(" \t\N{NO-BREAK SPACE}")
    if text.startswith("%"):
        return "%"
    fits = [
        unit
        for unit in units
        if text.startswith(unit) and not re.match(r"\w", text[len(unit) : len(unit) + 1])
    ]
    return fits[-1] if fits else None


def _readings(unit: str | None) -> tuple[tuple[float, str | None], ...]:
    """What a number may mean: itself; and with a percent sign a ratio."""
    return ((1.0, unit), (0.01, "ratio")) if unit == "%" else ((1.0, unit),)


def _within(
    typed: Typed,
    scale: float,
    values: Sequence[float],
    known: Sequence[tuple[float, Mapping[str, Any]]],
) -> list[Mapping[str, Any]]:
    """The cells whose value is the typed one, within the precision it is printed with."""
    value, half = typed.value * scale, typed.half * scale
    slack = _SLACK * max(abs(value), half)
    low = bisect.bisect_left(values, value - half - slack)
    high = bisect.bisect_right(values, value + half + slack)
    return [cell for _, cell in known[low:high]]


def _fits(typed: Typed, cell: Mapping[str, Any], unit: str | None) -> bool:
    """Whether a cell of that value is meant: no other unit stands there, and short ones say so."""
    is_step = cell["what"] == "step"  # of many, and its unit stands in the metric's name
    if unit is not None and not is_step:
        return bool(unit == cell["unit"])
    if typed.is_year or typed.is_short or is_step:
        metric = cell["metric"] if cell["what"] in ("measurement", "step") else None
        words = (metric, cell["name"].split()[0] if cell["name"] else None)
        return any(
            word is not None and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", typed.around)
            for word in words
        )
    return True
