"""The static site: the record as pages that work from a file path. The list.

base.py       what a kind of page is, and what it asks; links.py names of files
process.py    the renderer, which escapes for HTML
build.py      all pages of a record; writing.py puts them into a folder; index.py says what is there
prose.py      Markdown of sections as HTML; difference.py what changed between two texts
every other   one kind of page

The templates are those of `templates/site/`, the style sheet and the script lie beside them.
"""

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ledger.site.base import PageKind

#: Each is a file of this room, in the order of the navigation; the last is made from the others.
PAGES: Final = (
    "overview",
    "board",
    "claims",
    "runs",
    "comparisons",
    "sections",
    "versions",
    "actions",
    "search",
    "events",
)

__all__ = ["PAGES", "page_kinds"]


def page_kinds() -> "tuple[PageKind, ...]":
    """Every kind of page, in the order of the list."""
    return tuple(importlib.import_module(f"ledger.site.{name}").PAGE for name in PAGES)
