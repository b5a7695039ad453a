"""The board, and a page for each row of it: the demand, every verdict, the tree of evidence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ledger.site.base import PageKind, Sheet, Site, sheet
from ledger.site.links import path_of

#: What an entry of the tree is about: the page of its name.
_NODES: Final = {
    "verdict.given": "criteria",
    "criterion.declared": "criteria",
    "run.started": "runs",
    "run.finished": "runs",
    "run.failed": "runs",
    "measurement.taken": "runs",
    "trace.captured": "runs",
    "comparison.made": "comparisons",
    "claim.stated": "claims",
    "claim.tested": "claims",
}


def sheets(site: Site) -> Iterator[Sheet]:
    """The board, then each row."""
    rows = site.both("board")
    for row in rows:
        row["href"] = path_of("criteria", row["row"], reported=row["reported"])
    versions = site.ask("board_versions")
    names = {
        "sides": [
            {
                "reported": reported,
                "rows": own,
                "picture": site.picture(
                    "board", "yes" if reported else "no", f"pictures/board-{word}.svg"
                ),
                "versions": _by_version([row for row in versions if row["reported"] == reported]),
            }
            for reported, word in ((False, "own"), (True, "reported"))
            if (own := [row for row in rows if row["reported"] == reported])
        ],
        "published": site.ask("boards"),
    }
    yield sheet("board.html", "The board", "board", names)
    yield from _row_sheets(site, rows)


def _by_version(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts as a table: a line a version, a column a status."""
    statuses = sorted({str(row["status"]) for row in rows})
    lines: dict[tuple[Any, Any], dict[str, Any]] = {}
    for row in rows:
        line = lines.setdefault(
            (row["as_of"], row["version"]),
            {"version": row["version"], "as_of": row["as_of"], "counts": {}, "position": 0},
        )
        line["counts"][str(row["status"])] = row["row_count"]
        line["position"] = max(line["position"], row["position"])
    return {"statuses": statuses, "lines": list(lines.values())}


def _row_sheets(site: Site, rows: Sequence[dict[str, Any]]) -> Iterator[Sheet]:
    """A sheet for each row of the board."""
    declared = site.both("criteria")
    row_of = {(one["reported"], one["name"]): one["row"] for one in declared}
    verdicts: dict[tuple[bool, str], list[dict[str, Any]]] = {}
    for verdict in site.both("verdicts"):
        key = (verdict["reported"], verdict["name"])
        verdicts.setdefault((key[0], row_of.get(key, key[1])), []).append(verdict)
    support: dict[str, list[dict[str, Any]]] = {}
    for one in site.ask("support"):
        support.setdefault(one["criterion"], []).append(one)
    discharges = {one["criterion"]: one for one in site.ask("discharges")}
    for row in rows:
        key = (row["reported"], row["row"])
        own = not row["reported"]
        names = {
            "row": row,
            "declarations": [d for d in declared if (d["reported"], d["row"]) == key],
            "verdicts": verdicts.get(key, []),
            "support": [
                {**s, "href": site.link("runs", s["run"])}
                for s in (support.get(row["row"], []) if own else [])
            ],
            "discharge": discharges.get(row["row"]) if own else None,
            "tree": _trees(site, row["row"]) if own else [],
            "picture": site.picture(
                "evidence",
                row["row"],
                row["href"].replace("criteria/", "pictures/evidence-")[:-5] + ".svg",
            )
            if own
            else None,
        }
        yield sheet(
            row["href"],
            row["row"],
            "criterion",
            names,
            found_as="reported row" if row["reported"] else "criterion",
            words=f"{row['criterion'] or ''} {row['title']} {row['metric'] or ''} {row['status']}",
        )


def _trees(site: Site, row: str) -> list[dict[str, Any]]:
    """What the latest verdict rests on, as a tree; what stands in it already is only named."""
    entries = site.ask("evidence_graph", row=row)
    by_position = {entry["position"]: entry for entry in entries}
    seen: set[int] = set()

    def branch(position: int) -> dict[str, Any]:
        entry = by_position[position]
        again = position in seen
        seen.add(position)
        below = [] if again else [branch(p) for p in entry["rests_on"] if p in by_position]
        noun = _NODES.get(str(entry["kind"]))
        return {
            **entry,
            "again": again and bool(entry["rests_on"]),
            "href": site.link(noun, entry["name"]) if noun else None,
            "children": below,
        }

    return [branch(entry["position"]) for entry in entries if entry["depth"] == 0]


PAGE: Final = PageKind(name="board", title="Board", sheets=sheets)
