"""Versions of the specification, and a page for each: what changed with it."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ledger.site.base import MOST_ROWS, PageKind, Sheet, Site, sheet
from ledger.site.links import path_of
from ledger.site.overview import changed

_Row = Mapping[str, Any]


def sheets(site: Site) -> Iterator[Sheet]:
    """The list, then each version."""
    versions = [
        {**row, "href": path_of("versions", row["version"])} for row in site.ask("versions")
    ]
    changes = site.ask("changes") if versions else []
    published = _published(site)
    boards = _boards(site.ask("board_versions"))
    for version in versions:
        version["changes"] = _between(changes, version["first"], version["last"])
        counts = Counter(str(change["change"]) for change in version["changes"])
        version["counts"] = sorted(counts.items())
        version["published"] = published.get(version["version"], [])
    before = _between(changes, 0, versions[0]["first"] - 1) if versions else []
    lines = [{k: v for k, v in one.items() if k != "changes"} for one in versions]
    names = {"versions": list(reversed(lines)), "before": len(before)}
    yield sheet("versions.html", "Versions of the specification", "versions", names)
    for at in range(len(versions)):
        yield _version(site, versions, at, boards)


def _between(changes: Sequence[_Row], first: int, last: int | None) -> Sequence[_Row]:
    """Changes at these positions, of changes in order."""
    begin = bisect_left(changes, first, key=_position)
    return changes[
        begin : len(changes) if last is None else bisect_right(changes, last, key=_position)
    ]


def _position(row: _Row) -> int:
    return int(row["position"])


def _published(site: Site) -> dict[str, list[dict[str, Any]]]:
    """The sections of our own that each version published."""
    found: dict[str, list[dict[str, Any]]] = {}
    for page in site.ask("section_pages", draft="no"):
        for revision in site.ask("section_revisions", section=page["section"]):
            if revision["to_version"] is not None:
                line = {**revision, "href": path_of("sections", page["page"])}
                found.setdefault(str(revision["to_version"]), []).append(line)
    return found


def _boards(rows: Sequence[Mapping[str, Any]]) -> dict[Any, list[Mapping[str, Any]]]:
    """How many rows were in which status at the end of each version; null for the latest."""
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["version"], []).append(row)
    return found


def _version(
    site: Site, versions: Sequence[Mapping[str, Any]], at: int, boards: Mapping[Any, Any]
) -> Sheet:
    version = versions[at]
    earlier = versions[at - 1] if at else None
    later = versions[at + 1] if at + 1 < len(versions) else None
    changes = [{**row, "href": changed(site, dict(row))} for row in version["changes"][:MOST_ROWS]]
    names = {
        "version": {k: v for k, v in version.items() if k != "changes"},
        "earlier": _neighbour(earlier),
        "later": _neighbour(later),
        "changes": changes,
        "left_out": max(0, len(version["changes"]) - MOST_ROWS),
        "board": _moves(
            boards.get(earlier["version"], []) if earlier else [],
            boards.get(version["version"] if later else None, []),
        ),
    }
    words = " ".join(str(c["text"]) for c in changes if c["change"] == "section" and c["text"])
    title = f"Version {version['version']}"
    return sheet(version["href"], title, "version", names, found_as="version", words=words)


def _neighbour(version: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Name and page of the version before or after, and where it begins, which ends this one."""
    return (
        None if version is None else {key: version[key] for key in ("version", "href", "position")}
    )


def _moves(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Counts of each status before and after, those that changed marked by both numbers."""
    keys = sorted({(row["reported"], row["status"]) for row in (*before, *after)})
    counts = [{(row["reported"], row["status"]): row for row in rows} for rows in (before, after)]
    found = []
    for key in keys:
        old, new = (count.get(key) for count in counts)
        found.append(
            {
                "reported": key[0],
                "status": key[1],
                "before": old["row_count"] if old else 0,
                "after": new["row_count"] if new else 0,
                "position": new["position"] if new else 0,
            }
        )
    return found


PAGE: Final = PageKind(name="versions", title="Versions", sheets=sheets)
