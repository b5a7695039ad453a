"""Entries that pages cite, whole, on pages of so many positions each.

A record may have ten million entries: only those that other pages link to are written, and what
they cite in turn. `ledger query events` shows every other.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ledger.site.base import PageKind, Sheet, Site, sheet
from ledger.site.links import EVENTS_A_PAGE, event_page

#: The longest body that is printed whole, in characters.
_LONGEST: Final = 12_000
#: So many are asked for together.
_TOGETHER: Final = 2_000


def sheets(site: Site) -> Iterator[Sheet]:
    """A page for each range of positions in which anything is cited."""
    pages: dict[int, list[dict[str, Any]]] = {}
    for entry in _read(site, site.cited):
        pages.setdefault(entry["position"] // EVENTS_A_PAGE * EVENTS_A_PAGE, []).append(entry)
    firsts = sorted(pages)
    for at, first in enumerate(firsts):
        last = first + EVENTS_A_PAGE - 1
        names = {
            "entries": sorted(pages[first], key=lambda entry: int(entry["position"])),
            "first": first,
            "last": last,
            "earlier": event_page(firsts[at - 1]) if at else None,
            "later": event_page(firsts[at + 1]) if at + 1 < len(firsts) else None,
        }
        yield sheet(event_page(first), f"Entries {first} to {last}", "events", names)


def _read(site: Site, cited: Iterable[int]) -> Iterator[dict[str, Any]]:
    """These entries and all that they cite, each once."""
    seen: set[int] = set()
    wanted = sorted(set(cited))
    while wanted:
        seen.update(wanted)
        further: set[int] = set()
        for at in range(0, len(wanted), _TOGETHER):
            positions = ",".join(map(str, wanted[at : at + _TOGETHER]))
            for row in site.ask("entries", positions=positions):
                found = _entry(row)
                further |= {c["at"] for c in found["cited"] if c["at"] is not None}
                yield found
        wanted = sorted(further - seen)


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    """One entry as its page shows it."""
    body = json.dumps(row["body"], ensure_ascii=False, indent=2, sort_keys=True)
    return {
        **{key: value for key, value in row.items() if key not in ("body", "cited")},
        "recorded_at": row["recorded_at"].isoformat(sep=" ") + " UTC",
        # not `position`: an entry does not rest on where the others are
        "cited": [{"hash": c["hash"], "at": c["position"]} for c in row["cited"]],
        "body": body[:_LONGEST],
        "left_out": max(0, len(body) - _LONGEST),
    }


PAGE: Final = PageKind(name="events", title=None, sheets=sheets)
