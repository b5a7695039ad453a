"""Where the page of a thing is: paths below the site, made of names that anybody may have chosen.

A path follows from the name alone, so that a link never needs to look. What cannot be a plain name
of a file becomes one with a digest behind it, and so no two things share a page.
"""

import hashlib
import re
from typing import Final

#: So many positions share one page of entries.
EVENTS_A_PAGE: Final = 200
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+-]*(?:\.[A-Za-z0-9_+-]+)*")
_ODD: Final = re.compile(r"[^A-Za-z0-9_+-]+")
_LONGEST: Final = 100
_EVENT: Final = re.compile(r'href="(?:\.\./)?events/\d+\.html#e(\d+)"')
#: Names of files that some systems keep for themselves.
_KEPT: Final = {"index", "con", "prn", "aux", "nul"}


def slug(name: str) -> str:
    """A name as part of a path: itself where it can be, else what is left of it and a digest."""
    is_plain = _PLAIN.fullmatch(name) and len(name) <= _LONGEST and name.lower() not in _KEPT
    if is_plain:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{_ODD.sub('-', name).strip('-')[:_LONGEST] or 'x'}.{digest}"


def path_of(noun: str, name: str, *, reported: bool = False) -> str:
    """The page of a row, claim, run, comparison, section or version: `claims/H-1.html`."""
    return f"{'reported-' if reported else ''}{noun}/{slug(name)}.html"


def event_page(position: int) -> str:
    """The page on which an entry stands."""
    return f"events/{position // EVENTS_A_PAGE * EVENTS_A_PAGE:08d}.html"


def event_path(position: int) -> str:
    """The place on its page of an entry."""
    return f"{event_page(position)}#e{position}"


def cited_in(html: str) -> set[int]:
    """Positions of the entries that a page links to."""
    return {int(match[1]) for match in _EVENT.finditer(html)}
