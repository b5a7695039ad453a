"""Pictures in documents: what a template calls, and pictures that were drawn before.

    {{ picture("curve", item.run) }}

A template names the queries, as for any document, so a page states the position that it rests on.
It is rendered in a process of its own, which asks this one to draw.
Drawing takes longer than all else of a page. A picture says in itself what it was drawn from: where
the same lies in the folder that is written to, it is taken from there.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ledger.pictures.base import Row, Rows

_DRAWN_FROM: Final = re.compile(r'data-drawn-from="sha256:([0-9a-f]{64})"')
_DRAWN: Final[ContextVar[Mapping[str, str] | None]] = ContextVar("_DRAWN", default=None)


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
    drawn = _DRAWN.get() or {}
    before = drawn.get(digest(found, about, rows))
    return before if before is not None else draw_svg(found, about, rows, is_page=True)


@contextlib.contextmanager
def reuse_drawn(out: Path, files: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
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
    token = _DRAWN.set(found)
    try:
        yield
    finally:
        _DRAWN.reset(token)
