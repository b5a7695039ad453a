"""A section as it reads, or would read: the page that `ledger render` writes of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from ledger.render.answers import Answers
from ledger.render.base import TEMPLATES, Template, parse_template
from ledger.render.cells import Footnotes, read_marks
from ledger.render.pages import Page, Record, render_pages, render_source
from ledger.sections.source import parse_source

if TYPE_CHECKING:
    import duckdb

ReadBlob = Callable[[str], bytes]
#: The template of a section's page.
PAGE: Final = "spec/sections/section.md.j2"


def _page_template(section: str, *, draft: bool) -> Template:
    """The template of pages, for one section alone."""
    found = parse_template(PAGE, (TEMPLATES / PAGE).read_text(encoding="utf-8"))
    asked: dict[str, Any] = {**found.queries[str(found.for_each)], "section": section}
    asked["draft"] = "yes" if draft else "no"
    return attrs.evolve(found, queries={**found.queries, str(found.for_each): asked})


def preview(
    db: "duckdb.DuckDBPyConnection", read_blob: ReadBlob, section: str, *, draft: bool = False
) -> Page | None:
    """The page of a section, of its latest revision with `draft`; None where there is none.

    Raises `TemplateFailed`, `IntegrityError` where a source is missing.
    """
    return next(render_pages(_page_template(section, draft=draft), db, read_blob), None)


def quoted(db: "duckdb.DuckDBPyConnection", name: str, data: bytes) -> list[str]:
    """Hashes of the entries that a text quotes and that carry their number. Raises as above."""
    record = Record(answers=Answers(db), marks=read_marks(db), read_blob=_nothing)
    notes = Footnotes(record.marks, record.ask)
    render_source(parse_source(name, data).template(), record, notes)
    return notes.cited()


def _nothing(_digest: str) -> bytes:
    return b""
