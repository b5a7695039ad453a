"""The first page: how things stand, what is next, and what changed last."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from ledger.site.base import PageKind, Sheet, Site, sheet

#: So many of the latest changes are shown, and so far back they are looked for.
_CHANGES: Final = 12
_BACK: Final = 5_000


def sheets(site: Site) -> Iterator[Sheet]:
    """One sheet."""
    rows = site.both("board")
    claims = site.both("claims")
    runs = site.both("runs")
    changes = site.ask("changes", after=max(0, site.end - _BACK))[-_CHANGES:]
    names: dict[str, Any] = {
        "tallies": [
            _tally("Rows of the board", "board.html", rows, "status"),
            _tally("Claims", "claims.html", claims, "fate"),
            _tally("Runs", "runs.html", runs, "outcome"),
            _tally("Comparisons", "comparisons.html", site.ask("comparisons"), "result"),
        ],
        "origin": site.origin,
        "actions": site.ask("section_actions", state="open"),
        "stale": site.ask("stale"),
        "changes": [{**row, "href": changed(site, row)} for row in reversed(changes)],
        "suspects": [
            {**row, "href": site.link("criteria", row["row"], reported=row["reported"])}
            for row in rows
            if row["suspect"]
        ],
    }
    yield sheet("index.html", "Overview", "overview", names)


def _tally(title: str, href: str, rows: list[dict[str, Any]], column: str) -> dict[str, Any]:
    """How many of a sort are in which state, our own apart from reported ones."""
    found: dict[str, Any] = {"title": title, "href": href, "parts": []}
    for reported in (False, True):
        own = [row for row in rows if bool(row.get("reported")) == reported]
        counts = Counter(str(row[column]) for row in own)
        states = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        if own:
            found["parts"].append({"reported": reported, "count": len(own), "states": states})
    found["position"] = max((row["position"] for row in rows), default=0)
    return found


#: What a change is about, by its sort.
_ABOUT: Final = {
    "declared": "criteria",
    "threshold": "criteria",
    "verdict": "criteria",
    "claim": "claims",
    "started": "runs",
    "ended": "runs",
    "trained": "runs",
    "measured": "runs",
    "compared": "comparisons",
}


def changed(site: Site, row: dict[str, Any]) -> str | None:
    """The page of what changed."""
    noun = _ABOUT.get(str(row["change"]))
    if noun is None:
        return None
    whose = bool(row["reported"])
    found = site.link(noun, row["subject"], reported=whose)
    if found is None and row["change"] == "verdict":  # of what others reported, on a claim
        found = site.link("claims", row["subject"], reported=whose)
    return found


PAGE: Final = PageKind(name="overview", title="Overview", sheets=sheets)
