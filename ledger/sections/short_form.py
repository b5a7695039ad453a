"""The short way to write a cell in Markdown: `[[REFERENCE | UNIT | DIGITS]]`.

    [[loss_final of train-0001]]               a reference, as `cell("…")` takes it
    [[loss_final of train-0001 | nats]]        and the unit: another one on record is an error
    [[loss_final of train-0001 | nats | 3]]    and so many significant digits

In code and in Jinja it means nothing.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

import attrs

from ledger.sections.markdown import blank, opaque_spans

_CELL: Final = re.compile(
    r"\[\[[ \t]*(?P<reference>[^\s\[\]|][^\[\]|\n]*?)[ \t]*"
    r"(?:\|[ \t]*(?P<unit>[^\[\]|\n]*?)[ \t]*)?(?:\|[ \t]*(?P<digits>\d{1,2})[ \t]*)?\]\]"
)


@attrs.frozen(slots=True, kw_only=True)
class ShortCell:
    """One short form and where it stands."""

    start: int
    end: int
    reference: str
    unit: str | None
    digits: int | None

    def call(self) -> str:
        """The Jinja that means the same."""
        more = f", digits={self.digits}" if self.digits is not None else ""
        more += f", unit={_quoted(self.unit)}" if self.unit is not None else ""
        return "{{ cell(" + _quoted(self.reference) + more + ") }}"


def _quoted(text: str) -> str:
    """Text as a literal of Jinja; what could end the expression is written as an escape."""
    literal = json.dumps(text, ensure_ascii=False)
    return literal.replace("{", r"\u007b").replace("}", r"\u007d").replace("%", r"\u0025")


def short_cells(text: str) -> Iterator[ShortCell]:
    """Each short form of a text, outside of code and Jinja."""
    for match in _CELL.finditer(blank(text, opaque_spans(text))):
        digits = match["digits"]
        yield ShortCell(
            start=match.start(),
            end=match.end(),
            reference=match["reference"],
            unit=match["unit"] or None,
            digits=int(digits) if digits else None,
        )


def format_cell(reference: str, unit: str | None = None) -> str:
    """The short form of a reference."""
    return f"[[{reference} | {unit}]]" if unit else f"[[{reference}]]"


def expand(text: str) -> str:
    """The text with each short form written out as a call of `cell`; lines stay the same."""
    parts, at = [], 0
    for cell in short_cells(text):
        parts += [text[at : cell.start], cell.call()]
        at = cell.end
    return "".join([*parts, text[at:]])
