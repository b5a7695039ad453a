"""From a template to pages.

Jinja runs sandboxed and strict in a process of its own (`process.py`): no clock, no randomness, no
environment, LF, and an undefined name is an error with file and line. A page states `as of position
N`, the greatest position among the rows of its queries and the cells that it cites, so that an
unrelated event changes nothing in it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from ledger.errors import LedgerError, TemplateFailed
from ledger.pictures.page import drawer
from ledger.render.answers import Answers, Rows
from ledger.render.base import Template
from ledger.render.cells import Footnotes, Marks, read_marks
from ledger.render.process import Renderer, shared_renderer
from ledger.sections.source import parse_source

if TYPE_CHECKING:
    import duckdb

#: Reads a blob: the bytes behind a digest.
ReadBlob = Callable[[str], bytes]
_FIELD: Final = re.compile(r"\{(\w+)\}")


@attrs.frozen(slots=True)
class Page:
    """One rendered file: path below the output folder, text, what it rests on, what made it."""

    path: str
    text: str
    as_of: int
    template: str = ""


@attrs.frozen(slots=True, kw_only=True)
class Record:
    """What documents are made of: answers, the marks on evidence, and the sources of sections."""

    answers: Answers
    marks: Marks
    read_blob: ReadBlob
    renderer: Renderer = attrs.field(factory=shared_renderer)

    @property
    def db(self) -> "duckdb.DuckDBPyConnection":
        """The record that is asked."""
        return self.answers.db

    def ask(self, name: str, given: Mapping[str, object]) -> Rows:
        """The rows of a named query; nobody changes them."""
        return self.answers.ask(name, given)


def _no_blob(digest: str) -> bytes:
    raise TemplateFailed(f"{digest} cannot be read here", hint="`ledger render` can")


def render_pages(
    template: Template,
    db: "duckdb.DuckDBPyConnection",
    read_blob: ReadBlob = _no_blob,
    marks: Marks | None = None,
    renderer: Renderer | None = None,
    answers: Answers | None = None,
) -> Iterator[Page]:
    """Yield the pages of a template over the record behind `db`. Raises `TemplateFailed`.

    `marks` and `answers` are those of this record, where they were read already.
    """
    renderer = renderer or shared_renderer()
    renderer.start()
    marks = read_marks(db) if marks is None else marks
    record = Record(
        answers=Answers(db) if answers is None else answers,
        marks=marks,
        read_blob=read_blob,
        renderer=renderer,
    )
    items: list[dict[str, Any]] | list[None] = [None]
    if template.for_each is not None:
        items = _ask(template, template.for_each, record, None)
    for item in items:
        page = _render(template, record, item)
        if page is not None:
            yield page


def _ask(template: Template, name: str, record: Record, item: Mapping[str, Any] | None) -> Rows:
    """The rows of one of the template's queries."""
    given = template.queries[name]
    filled = {key: _fill(value, item) for key, value in given.items() if key != "query"}
    try:
        return record.ask(str(given["query"]), filled)
    except LedgerError as error:
        raise TemplateFailed(f"{template.name}: {error.message}", hint=error.hint) from error


def _fill(value: object, item: Mapping[str, Any] | None) -> object:
    """A parameter or path with `{name}` filled from the item."""
    if not isinstance(value, str) or item is None:
        return value
    return _FIELD.sub(lambda match: str(item[match[1]]) if match[1] in item else match[0], value)


def _render(template: Template, record: Record, item: dict[str, Any] | None) -> Page | None:
    names = [name for name in template.queries if name != template.for_each]
    if template.unless_empty is not None:  # first, as most pages end here
        names = [template.unless_empty, *(n for n in names if n != template.unless_empty)]
    rows: dict[str, Rows] = {}
    for name in names:
        rows[name] = _ask(template, name, record, item)
        if name == template.unless_empty and not rows[name]:
            return None
    seen = [row for found in rows.values() for row in found] + ([item] if item is not None else [])
    notes = Footnotes(record.marks, record.ask, item.get("resolved_at") if item else None)
    prose: str | None = None
    more: Rows = []
    if template.prose is not None and item is not None:
        prose, more = _prose(str(item[template.prose]), record, item, notes)
    positions = [row["position"] for row in [*seen, *more]] + notes.positions()
    positions += [mark.position for row in seen for mark in notes.marks_on(row)]
    as_of = max(positions, default=0)
    names_seen = {
        **rows,
        "item": item,
        "as_of": as_of,
        "cite": notes.cite,
        "cell": notes.cell,
        "footnotes": notes.print,
        "picture": drawer(rows, template.for_each, item),
        **({} if prose is None else {"prose": prose}),
    }
    path = str(_fill(template.output, item))
    text = record.renderer.render(template, names_seen)
    if notes.positions() and max(notes.positions()) > as_of:  # a cell named in words is newer
        as_of = max(notes.positions())
        text = record.renderer.render(template, {**names_seen, "as_of": as_of})
    _check_cited(template, record, notes)
    return Page(path, text, as_of, template.name)


def _check_cited(template: Template, record: Record, notes: Footnotes) -> None:
    """Raise `TemplateFailed` where a footnote names an entry that is not on the record.

    A row may stand at a later position than its entry, where something was said of it since.
    """
    cited = notes.entries()
    if not cited:
        return
    found: dict[str, int] = dict(
        record.db.execute(
            "select hash, position from events where hash in (select unnest(?)) order by position",
            [sorted({hash_ for _, hash_ in cited})],
        ).fetchall()
    )
    (last,) = record.db.execute("select max(position) from events").fetchone() or (0,)
    for position, hash_ in sorted(cited):
        if not found.get(hash_, last + 1) <= position <= last:
            raise TemplateFailed(
                f"{template.name}: no entry at position {position} has the hash {hash_[:80]}",
                hint="cite rows that queries give, with their position and hash",
            )


def _prose(
    digest: str, record: Record, item: Mapping[str, Any], notes: Footnotes
) -> tuple[str, Rows]:
    """What the source of a section says, and the rows that it rests on."""
    name = f"section {item['section']}, revision {item['revision']}"
    return render_source(parse_source(name, record.read_blob(digest)).template(), record, notes)


def render_source(template: Template, record: Record, notes: Footnotes) -> tuple[str, Rows]:
    """The text of a section and the rows of its queries. It sees these and its cells."""
    rows = {name: _ask(template, name, record, None) for name in template.queries}
    text = record.renderer.render(template, {**rows, "cite": notes.cite, "cell": notes.cell})
    found = [row for answer in rows.values() for row in answer]
    return text, found
