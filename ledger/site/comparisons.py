"""Comparisons of traces, and a page for each: where they part, heat map, ratios, every point."""

from collections.abc import Iterator
from typing import Any, Final

from ledger.site.base import PageKind, Sheet, Site, sheet
from ledger.site.links import path_of


def sheets(site: Site) -> Iterator[Sheet]:
    """The list, then each comparison."""
    rows = [
        {
            **row,
            "href": path_of("comparisons", row["run"]),
            "href_a": site.link("runs", row["run_a"]),
            "href_b": site.link("runs", row["run_b"]),
        }
        for row in site.ask("comparisons")
    ]
    yield sheet("comparisons.html", "Comparisons of traces", "comparisons", {"comparisons": rows})
    for row in rows:
        yield _comparison(site, row)


def _comparison(site: Site, row: dict[str, Any]) -> Sheet:
    name = row["run"]
    place = row["href"].replace("comparisons/", "")[:-5]
    names = {
        "comparison": row,
        "run_href": site.link("runs", name),
        "points": site.ask("compare", run=name),
        "measurements": site.ask("measurements", run=name),
        "heat": site.picture("heat", name, f"pictures/heat-{place}.svg"),
        "ratio": site.picture("ratio", name, f"pictures/ratio-{place}.svg"),
    }
    return sheet(
        row["href"],
        f"{name}: {row['run_b']} against {row['run_a']}",
        "comparison",
        names,
        found_as="comparison",
        words=f"{row['result']} {row['first_point'] or ''}",
    )


PAGE: Final = PageKind(name="comparisons", title="Comparisons", sheets=sheets)
