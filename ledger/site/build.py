"""All files of a site, from one record at one position: a pure function, but for the time it takes.

Pages come first, then the entries that they link to, then the index of the search.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import attrs

from ledger import __version__
from ledger.blobs import read_blob
from ledger.errors import BadArguments
from ledger.folder import Folder
from ledger.render.answers import Answers
from ledger.render.base import TEMPLATES
from ledger.render.cells import read_marks
from ledger.render.pages import Record
from ledger.render.process import shared_renderer
from ledger.site import page_kinds
from ledger.site.base import PageKind, Sheet, Site
from ledger.site.index import File
from ledger.site.links import EVENTS_A_PAGE, cited_in
from ledger.site.process import HtmlRenderer, open_renderer
from ledger.site.search import INDEX, make_index
from ledger.site.words import TONES, UNSEEN
from ledger.store.reader import keep_views, open_reader

Progress = Callable[[int, int], None]
#: Files that every site has as they are: below `templates/site/`, and in the site.
_STATIC: Final = ("site.css", "site.js")


@attrs.frozen(slots=True, kw_only=True)
class Built:
    """The files of a site, and the checkpoint that they were made at."""

    files: list[File]
    position: int
    chain: str


def build(
    folder: Folder,
    renderer: HtmlRenderer | None = None,
    *,
    at: int | None = None,
    on_progress: Progress | None = None,
    on_opened: Callable[[int], None] | None = None,
) -> Built:
    """Every file of the site as of position `at` (null: now). Raises `BadArguments`.

    `on_opened` is told the position before anything is made.
    """
    renderer = renderer or open_renderer()
    renderer.start()  # it gets ready while the record is opened
    with open_reader(folder, at=at) as db:
        keep_views(db)
        row = db.execute("select position, chain from events order by position desc").fetchone()
        if row is None:
            raise BadArguments("the ledger is empty", hint="record something first")
        if on_opened is not None:
            on_opened(int(row[0]))
        blobs = partial(read_blob, folder)
        record = Record(
            answers=Answers(db), marks=read_marks(db), read_blob=blobs, renderer=shared_renderer()
        )
        site = Site(record, folder.origin, int(row[0]))
        files = list(_files(site, renderer, on_progress))
    return Built(
        files=sorted(files, key=lambda file: file.path), position=int(row[0]), chain=str(row[1])
    )


def _files(site: Site, renderer: HtmlRenderer, on_progress: Progress | None) -> Iterator[File]:
    """The files in the order in which they can be made."""
    kinds = page_kinds()
    found: list[Sheet] = []
    made: set[str] = set()
    for at, kind in enumerate(kinds):
        for sheet in kind.sheets(site):
            if sheet.path in made:  # what others reported twice has one page
                continue
            made.add(sheet.path)
            html = _render(site, renderer, kind, sheet)
            site.cited |= cited_in(html)
            found.append(attrs.evolve(sheet, names={}))
            yield File(path=sheet.path, data=html.encode(), as_of=sheet.as_of)
        if on_progress is not None:
            on_progress(at + 1, len(kinds))
    for path, (svg, as_of) in site.pictures.items():
        yield File(path=path, data=svg.encode(), as_of=as_of)
    as_of = max((sheet.as_of for sheet in found if sheet.found_as is not None), default=0)
    yield File(path=INDEX, data=make_index(found).encode(), as_of=as_of)
    for name in _STATIC:
        yield File(path=name, data=(TEMPLATES / "site" / name).read_bytes(), as_of=0)


def _render(site: Site, renderer: HtmlRenderer, kind: PageKind, sheet: Sheet) -> str:
    """One page as HTML, LF only, whatever its texts hold."""
    names: dict[str, Any] = {
        **sheet.names,
        "layout": renderer.layout,
        "title": sheet.title,
        "as_of": sheet.as_of,
        "origin": site.origin,
        "version_of_program": __version__,
        "root": "../" * sheet.path.count("/"),
        "path": sheet.path,
        "navigation": _navigation(kind, sheet),
        "events_a_page": EVENTS_A_PAGE,
        "tones": TONES,
    }
    return renderer.render(renderer.page(sheet.template), names).translate(UNSEEN)


def _navigation(kind: PageKind, sheet: Sheet) -> list[dict[str, Any]]:
    """The lines of the navigation: `page` for the page itself, `true` for what it is part of."""
    return [
        {
            "title": one.title,
            "href": _first_page(one),
            "current": None
            if one is not kind
            else "page"
            if sheet.path == _first_page(one)
            else "true",
        }
        for one in page_kinds()
        if one.title is not None
    ]


#: The page of a kind where it is not called as the kind is.
_FIRST: Final = {"overview": "index.html", "actions": "next.html"}


def _first_page(kind: PageKind) -> str:
    return _FIRST.get(kind.name, f"{kind.name}.html")
