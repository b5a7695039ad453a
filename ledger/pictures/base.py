"""What a picture is: named queries at one position, and a pure function from rows to a figure.

It has no clock, no environment and no numbers of its own: the same rows give the same bytes.
What is to be seen stands in its description, in numbers, for those who cannot see it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from ledger.pictures.style import Palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
#: The rows of each query of a picture, by the name that the picture gives it.
Rows = Mapping[str, Sequence[Row]]
#: What stands for the subject in the parameters of a query.
SUBJECT: Final = "{subject}"


@attrs.frozen(slots=True)
class Sketch:
    """A drawn figure, with its title and what is to be seen, in words and numbers."""

    figure: "Figure"
    title: str
    description: str


@attrs.frozen(slots=True, kw_only=True)
class Picture:
    """One kind of picture."""

    name: str
    #: What it shows, in one sentence.
    shows: str
    #: What it is about, which is an option of `ledger picture`: run, row or claims; None for all.
    takes: str | None
    #: Whether it must be said what it is about.
    needs_subject: bool = True
    #: The queries it is drawn from, as in the front matter of a template.
    queries: Mapping[str, Mapping[str, object]]
    #: Query and column with the names that it can be about; None where any words will do.
    subjects: tuple[Mapping[str, object], str] | None = None
    #: Why nothing can be drawn from these rows, in words; None where something can.
    lacking: Callable[[Rows, str | None], str | None]
    #: What to do then.
    hint: str
    #: Draws: the rows, the subject, the colours.
    draw: Callable[[Rows, str | None, Palette], Sketch]


def plural(count: int, noun: str) -> str:
    """A count with its noun, such as 1 step or 3 steps."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
