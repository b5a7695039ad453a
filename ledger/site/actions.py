"""What is to be done next, the newest first, and what must be looked at again."""

from collections.abc import Iterator
from typing import Any, Final

from ledger.site.base import PageKind, Sheet, Site, sheet
from ledger.site.links import path_of

_NOUNS: Final = {"row": "criteria", "claim": "claims", "premise": "claims"}


def sheets(site: Site) -> Iterator[Sheet]:
    """One sheet."""
    stale = [
        {**row, "href": site.link(_NOUNS.get(str(row["what"]), "criteria"), row["name"])}
        for row in site.ask("stale")
    ]
    pages = {page["section"]: page for page in site.ask("section_pages", draft="no")}
    actions = []
    for action in site.ask("section_actions"):
        page = pages.get(action["section"])
        actions.append({**action, "href": path_of("sections", page["page"]) if page else None})
    names: dict[str, Any] = {"actions": actions, "stale": stale}
    if stale:  # how long ago something ran out follows from the time of the newest entry
        names["newest"] = {"position": site.end}
    yield sheet("next.html", "Next actions", "next", names)


PAGE: Final = PageKind(name="actions", title="Next", sheets=sheets)
