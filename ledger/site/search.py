"""The page of the search, and the index that its script reads: a file that is a script itself.

A page that was opened from a file path may not read other files, but it may load scripts.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from ledger.site.base import PageKind, Sheet, Site
from ledger.site.words import UNSEEN

#: Path of the index below the site.
INDEX: Final = "search-index.js"
#: The longest text that a thing is found by.
_LONGEST: Final = 400


def sheets(site: Site) -> Iterator[Sheet]:  # noqa: ARG001 - it says nothing of the record
    """One sheet."""
    yield Sheet(path="search.html", title="Search", template="search", names={}, as_of=0)


def make_index(sheets_: Iterable[Sheet]) -> str:
    """The index as a script: title, sort, path and words of each page that is found."""
    lines = [
        json.dumps([_seen(text) for text in (one.title, one.found_as, one.path, one.words)])
        for one in sheets_
        if one.found_as is not None
    ]
    return "window.LEDGER_INDEX = [\n" + ",\n".join(lines) + "\n];\n"


def _seen(text: str) -> str:
    """A text on one line, and of a length that a list has room for."""
    return " ".join(text.split())[:_LONGEST].translate(UNSEEN)


PAGE: Final = PageKind(name="search", title=None, sheets=sheets)
