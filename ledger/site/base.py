"""What a kind of page is: a pure function from the answers of named queries to sheets.

A sheet is one page before a template makes HTML of it. It states the position that it rests on:
the greatest among the rows that it shows, so that an unrelated event changes nothing in it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
from markupsafe import Markup

from ledger.pictures import find_picture
from ledger.pictures.base import SUBJECT
from ledger.pictures.page import drawer
from ledger.render.pages import Record
from ledger.site.links import path_of

if TYPE_CHECKING:
    import duckdb

Row = Mapping[str, Any]
#: The longest table on a page; what is left out is said there.
MOST_ROWS: Final = 2_000
#: A diagram of more boxes is not drawn: nobody could read it.
MOST_BOXES: Final = 200
#: The pictures that are diagrams.
_DIAGRAMS: Final = ("chain", "evidence")


@attrs.frozen(slots=True, kw_only=True)
class Sheet:
    """One page before it is rendered."""

    #: Path below the site.
    path: str
    #: What stands in `<title>` and in `<h1>`.
    title: str
    #: Template below `templates/site/`, without its ending.
    template: str
    #: What the template sees.
    names: Mapping[str, Any]
    #: Greatest position that it rests on.
    as_of: int
    #: The sort of thing that it is about, for people who search; None: it is not found.
    found_as: str | None = None
    #: Words that it is found by, besides its title.
    words: str = ""


@attrs.frozen(slots=True, kw_only=True)
class PageKind:
    """One kind of page, with its line in the navigation; None where it has none."""

    name: str
    title: str | None
    sheets: "Callable[[Site], Iterable[Sheet]]"


class Site:
    """The record as pages ask it: named queries, pictures, and which things have a page."""

    def __init__(self, record: Record, origin: str, end: int) -> None:
        self.record = record
        self.origin = origin
        #: Position of the newest entry.
        self.end = end
        #: Pictures by path, as SVG text, with the position that each rests on.
        self.pictures: dict[str, tuple[str, int]] = {}
        #: Positions of the entries that pages link to.
        self.cited: set[int] = set()
        self._known: dict[tuple[str, bool], frozenset[str]] = {}

    @property
    def db(self) -> "duckdb.DuckDBPyConnection":
        """The record itself; questions go through `ask`."""
        return self.record.db

    def ask(self, query: str, **given: object) -> list[dict[str, Any]]:
        """The rows of a named query; nobody changes them."""
        return self.record.ask(query, given)

    def both(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query over our own things, then over reported ones, told apart."""
        found = []
        for reported in (False, True):
            rows = self.ask(query, reported="yes" if reported else "no")
            found += [{**row, "reported": reported} for row in rows]
        return found

    def link(self, noun: str, name: object, *, reported: bool = False) -> str | None:
        """The page of a thing; None where it has none."""
        if name is None or str(name) not in self._names(noun, reported):
            return None
        return path_of(noun, str(name), reported=reported)

    def _names(self, noun: str, reported: bool) -> frozenset[str]:
        """The names of all things of a sort."""
        key = (noun, reported)
        if key not in self._known:
            query, column, gives_whose = _NOUNS[noun]
            given = {"reported": "yes" if reported else "no"} if gives_whose else {}
            rows = [] if reported and not gives_whose else self.ask(query, **given)
            self._known[key] = frozenset(str(row[column]) for row in rows)
        return self._known[key]

    def picture(self, name: str, subject: str | None, path: str) -> "dict[str, Any] | None":
        """A picture for a page, also kept as a file of its own; None where there is none to draw.

        Drawing takes longer than all else: what was drawn before is taken from there.
        """
        found = find_picture(name)
        rows = {}
        for key, asked in found.queries.items():
            given = {g: subject if value == SUBJECT else value for g, value in asked.items()}
            rows[key] = self.ask(str(given.pop("query")), **given)
            listed = found.subjects is not None and found.subjects[0]["query"] == asked["query"]
            if listed and found.subjects is not None:  # what it is about, and not the others
                rows[key] = [row for row in rows[key] if row[found.subjects[1]] == subject]
        boxes = sum(map(len, rows.values())) if name in _DIAGRAMS else 0
        if boxes > MOST_BOXES or found.lacking(rows, subject) is not None:
            return None
        svg = drawer(rows, None, None)(name, subject)
        as_of = greatest(rows)
        self.pictures[path] = (svg, as_of)
        return {"svg": inline(svg), "path": path, "position": as_of}


#: How the things of a sort are listed: query, column, and whether it says whose they are.
_NOUNS: Final[dict[str, tuple[str, str, bool]]] = {
    "criteria": ("board", "row", True),
    "claims": ("claims", "claim", True),
    "runs": ("runs", "run", True),
    "comparisons": ("comparisons", "run", False),
}


def inline(svg: str) -> Markup:
    """A picture of ours as part of a page: without the line that makes it a file.

    The text comes from `ledger.pictures`, which escapes what it writes.
    """
    return Markup(svg.partition("?>\n")[2])  # noqa: S704 - our own SVG


def greatest(value: object) -> int:
    """The greatest position among rows, however deep they lie; 0 where there is none."""
    found = 0
    if isinstance(value, dict):
        own = value.get("position")
        found = own if isinstance(own, int) else 0
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return 0
    for item in value:
        if isinstance(item, (dict, list, tuple)):
            found = max(found, greatest(item))
    return found


def some(rows: Sequence[Any], most: int = MOST_ROWS) -> Sequence[Any]:
    """At most so many rows, evenly spaced, the first and the last among them."""
    if len(rows) <= most:
        return rows
    last = len(rows) - 1
    return [rows[last * at // (most - 1)] for at in range(most)]


def sheet(path: str, title: str, template: str, names: Mapping[str, Any], **more: Any) -> Sheet:  # noqa: ANN401
    """A sheet that rests on what its template sees."""
    return Sheet(
        path=path, title=title, template=template, names=names, as_of=greatest(names), **more
    )
