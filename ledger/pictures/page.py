"""Pictures in documents: what a template calls, and pictures that were drawn before.

    {{ picture("curve", item.run) }}

A template names the queries, as for any document, so a page states the position that it rests on.
It is rendered in a process of its own, which asks this one for the picture. Drawing takes longer
than all else of a page: a third process does it, and a picture that says it was drawn from the same
rows is taken from the folder that is written to.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from ledger.pictures.process import Drawer

if TYPE_CHECKING:
    from ledger.pictures.base import Row, Rows

_DRAWN_FROM: Final = re.compile(r'data-drawn-from="sha256:([0-9a-f]{64})"')
_STUDIO: Final[ContextVar["Studio | None"]] = ContextVar("_STUDIO", default=None)


@attrs.frozen(slots=True)
class Studio:
    """Where pictures come from: those drawn before, by what they were drawn from, or the drawer."""

    drawn: Mapping[str, str]
    drawer: Drawer = attrs.field(factory=Drawer)

    def expect_new(self) -> None:
        """Something changed, so pictures may be drawn: the drawer gets ready."""
        self.drawer.start()


def drawer(
    rows: "Rows", for_each: str | None, item: "Row | None"
) -> Callable[[str, str | None], str]:
    """What a template of these rows calls: `picture(NAME, SUBJECT)`.

    The queries of its front matter have the names that the picture gives them; the item stands for
    those of `for_each`. Raises `jinja2.UndefinedError` where one is missing.
    """
    known = rows if for_each is None or item is None else {**rows, for_each: [item]}
    return partial(_picture, known)


def _picture(known: "Rows", name: str, subject: str | None = None) -> str:
    """A picture as SVG text; one that says so where there is nothing to draw."""
    from jinja2 import UndefinedError

    from ledger.pictures import PICTURES, find_picture
    from ledger.pictures.drawing import digest, draw_svg, prepare

    if name not in PICTURES:
        raise UndefinedError(f"there is no picture {name!r}, only {', '.join(PICTURES)}")
    found = find_picture(name)
    missing = [query for query in found.queries if query not in known]
    if missing:
        raise UndefinedError(f"picture {name} is drawn from queries {', '.join(missing)}, too")
    rows, about = prepare(subject, {query: known[query] for query in found.queries})
    studio = _STUDIO.get()
    if studio is None:
        return draw_svg(found, about, rows, is_page=True)
    before = studio.drawn.get(digest(found, about, rows))
    return before if before is not None else studio.drawer.draw(name, about, rows)


@contextlib.contextmanager
def open_studio(out: Path, files: Mapping[str, Mapping[str, Any]]) -> Iterator[Studio]:
    """In here, pictures of `out` that are as its manifest says (`files`) are not drawn again."""
    found: dict[str, str] = {}
    for path, facts in sorted(files.items()):
        if not path.endswith(".svg") or not (out / path).is_file():
            continue
        data = (out / path).read_bytes()
        if hashlib.sha256(data).hexdigest() != facts.get("sha256"):
            continue
        text = data.decode(errors="replace")
        match = _DRAWN_FROM.search(text[:2000])
        is_picture = (
            text.startswith("<?xml") and text.endswith("</svg>\n") and text.count("<svg") == 1
        )
        if match is not None and is_picture:  # and nothing that a template put around it
            found[match[1]] = text
    studio = Studio(found)
    token = _STUDIO.set(studio)
    try:
        yield studio
    finally:
        _STUDIO.reset(token)
        studio.drawer.stop()
