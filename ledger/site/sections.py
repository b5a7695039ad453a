"""Sections of the specification, and a page for each: its text, its versions, what changed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ledger.render.cells import Footnotes
from ledger.render.pages import render_source
from ledger.sections.source import parse_source
from ledger.site.base import PageKind, Sheet, Site, greatest, sheet
from ledger.site.difference import difference
from ledger.site.links import path_of
from ledger.site.prose import read_notes, to_html

#: How a section's Markdown names the page of another one.
_MARKDOWN: Final = ".md"


def sheets(site: Site) -> Iterator[Sheet]:
    """The list, then each published section."""
    pages = {page["section"]: page for page in site.ask("section_pages", draft="no")}
    known = {page["page"] for page in pages.values()}
    listed = [
        {**row, "href": _href(pages[row["section"]]["page"]) if row["section"] in pages else None}
        for row in site.ask("section_list")
    ]
    versions = {row["version"] for row in site.ask("versions")}
    reported = [
        {
            **row,
            "href": path_of("versions", row["to_version"])
            if row["to_version"] in versions
            else None,
        }
        for row in site.ask("sections")
    ]
    names = {
        "sections": listed,
        "reported": reported,
        "gaps": site.ask("section_gaps"),
        "actions": site.ask("section_actions", state="open"),
    }
    yield sheet("sections.html", "Sections", "sections", names)
    for page in pages.values():
        yield _section(site, page, known)


def _href(page: str) -> str:
    return path_of("sections", page)


def _section(site: Site, page: Mapping[str, Any], known: set[str]) -> Sheet:
    """The page of what was published last."""

    def find_page(href: str) -> str | None:
        name = href.removesuffix(_MARKDOWN)
        return f"../{_href(name)}" if href.endswith(_MARKDOWN) and name in known else None

    text, notes, rests_on = _read(site, page)
    superseded = page["superseded_by_page"]
    revisions = site.ask("section_revisions", section=page["section"])
    names = {
        "page": page,
        "prose": to_html(text, find_page, notes),
        "notes": notes,
        "actions": site.ask("section_actions", section=page["section"]),
        "superseded_href": _href(superseded) if superseded in known else None,
        "revisions": revisions,
        "differences": list(_differences(site, revisions)),
        "rests_on": [{"position": rests_on}],
    }
    title = f"§{page['section']} {page['title']}"
    words = " ".join(text.split())
    return sheet(_href(page["page"]), title, "section", names, found_as="section", words=words)


def _read(site: Site, page: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]], int]:
    """The text with its cells printed, its footnotes, and the position that both rest on."""
    record = site.record
    marks = Footnotes(record.marks, record.ask, page["resolved_at"])
    name = f"section {page['section']}, revision {page['revision']}"
    source = parse_source(name, record.read_blob(str(page["source"])))
    text, rows = render_source(source.template(), record, marks)
    return text, read_notes(marks.print()), max([greatest(rows), *marks.positions()])


def _differences(site: Site, revisions: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What changed from each published version to the next, the newest first."""
    published = [revision for revision in revisions if revision["to_version"] is not None]
    bodies = [_body(site, revision) for revision in published]
    for at in reversed(range(1, len(published))):
        before, after = published[at - 1], published[at]
        yield {
            "before": before["to_version"],
            "after": after["to_version"],
            "title_before": before["title"],
            "title_after": after["title"],
            "blocks": difference(bodies[at - 1], bodies[at]),
            "position": after["position"],
        }


def _body(site: Site, revision: Mapping[str, Any]) -> str:
    """What a revision says, as it was written."""
    name = f"section {revision['section']}, revision {revision['revision']}"
    return parse_source(name, site.record.read_blob(str(revision["source"]))).body


PAGE: Final = PageKind(name="sections", title="Sections", sheets=sheets)
