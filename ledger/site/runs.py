"""Runs, and a page for each: settings, curve, steps, epochs, trace, marks of the monitors."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ledger.monitors import Mark, marks_of, word_of
from ledger.monitors.runs import read_runs
from ledger.site.base import PageKind, Sheet, Site, sheet, some
from ledger.site.heat import heat_table
from ledger.site.links import path_of

#: So many lines of a long list of steps are shown, evenly spaced.
_STEPS: Final = 120
#: Of more steps than so many, only the first and the last half of these are read.
_READ: Final = 20_000
#: A curve of more steps is not drawn: a picture has no room for them, and it would take minutes.
_DRAWN: Final = 50_000


def sheets(site: Site) -> Iterator[Sheet]:
    """The list, then each run."""
    runs = site.both("runs")
    marks = {(view.run, view.reported): marks_of(view) for view in read_runs(site.db)}
    for run in runs:
        key = (run["run"], run["reported"])
        run["href"] = path_of("runs", run["run"], reported=run["reported"])
        run["mark"] = word_of(marks.get(key, ()))
    names: dict[str, Any] = {
        "sides": [
            {"reported": reported, "runs": own}
            for reported in (False, True)
            if (own := [run for run in runs if run["reported"] == reported])
        ],
    }
    yield sheet("runs.html", "Runs", "runs", names)
    settings = {(row["run"], row["reported"]): row for row in site.ask("run_settings")}
    comparisons = site.ask("comparisons")
    for run in {(run["run"], run["reported"]): run for run in runs}.values():
        key = (run["run"], run["reported"])
        yield _run(site, run, settings.get(key), marks.get(key, ()), comparisons)


def _run(
    site: Site,
    run: dict[str, Any],
    settings: Mapping[str, Any] | None,
    marks: tuple[Mark, ...],
    comparisons: list[dict[str, Any]],
) -> Sheet:
    name, whose = run["run"], "yes" if run["reported"] else "no"
    steps = site.ask("run_steps", run=name, reported=whose, most=_READ)
    points = [] if run["reported"] or run["executor"] != "trace" else site.ask("trace", run=name)
    picture = None
    series = site.ask("run_series", run=name)
    too_long = any(one["steps"] > _DRAWN for one in series)
    if series and not too_long:
        picture = site.picture(
            "curve", name, run["href"].replace("runs/", "pictures/curve-")[:-5] + ".svg"
        )
    names = {
        "run": run,
        "settings": settings,
        "marks": [_mark(mark) for mark in marks],
        "results": site.ask("run_results", run=name, reported=whose),
        "measurements": [] if run["reported"] else site.ask("measurements", run=name),
        "epochs": site.ask("run_epochs", run=name) if run["reported"] else [],
        "steps": _steps(steps),
        "picture": picture,
        "too_long": too_long,
        "points": points,
        "heat": heat_table(points),
        "comparisons": [
            {**one, "href": path_of("comparisons", one["run"])}
            for one in comparisons
            if not run["reported"] and name in (one["run"], one["run_a"], one["run_b"])
        ],
        "bisections": [b for b in site.ask("bisections") if b["run"] == name],
        "floors": [f for f in site.ask("floors") if f["run"] == name],
    }
    return sheet(
        run["href"],
        name,
        "run",
        names,
        found_as="reported run" if run["reported"] else "run",
        words=" ".join(
            str(run[key])
            for key in ("executor", "engine", "model", "device_observed", "outcome", "reason")
            if run[key] is not None
        ),
    )


def _mark(mark: Mark) -> dict[str, Any]:
    return {
        "monitor": mark.monitor,
        "mark": mark.mark,
        "why": mark.why,
        "events": list(some(mark.events, 12)),
        "more": max(0, len(mark.events) - 12),
        "numbers": json.dumps(dict(mark.numbers), sort_keys=True, default=str),
        "position": max(mark.events, default=0),
    }


def _steps(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """A table of steps: a column a metric, not more lines than a person reads."""
    metrics = sorted({name for step in steps for name in step["metrics"]})
    lines = [
        {
            "step": step["step"],
            "numbers": [
                dict(zip(step["metrics"], step["numbers"], strict=True)).get(name)
                for name in metrics
            ],
            "position": step["position"],
        }
        for step in some(steps, _STEPS)
    ]
    total = steps[0]["total"] if steps else 0
    return {"metrics": metrics, "lines": lines, "total": total, "read": min(total, _READ)}


PAGE: Final = PageKind(name="runs", title="Runs", sheets=sheets)
