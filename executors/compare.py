"""`ledger run compare`: two traces held against each other, from what the ledger keeps of them."""

from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.tracing.floors import measuring_command, recorded_floors
from executors.tracing.recording import number

if TYPE_CHECKING:
    from ml.comparison import Comparison, PointComparison, TraceData

CONTRACT: Final = "comparison/1"
COLUMNS: Final = ("median_distance", "max_distance", "max_row", "std_ratio", "bit_equal")
#: What is added to these where a floor was used: the free floors of largest and median row.
FLOOR_COLUMNS: Final = ("floor_max", "floor_median", "over_floor")
#: Results that are a finding rather than an answer: the exit code says so.
_FINDINGS: Final = ("incomparable", "differs", "over_floor")


@click.command(
    epilog="Examples:\n\n\b\n  ledger run compare trace-0001 trace-0002\n"
    "  ledger run compare trace-0001 trace-0003 --threshold 0.05 --json"
)
@click.argument("run_a")
@click.argument("run_b")
@click.option(
    "--threshold",
    default=1e-3,
    show_default=True,
    help="Row distance above which a point counts as divergent.",
)
@base.ledger_option
@base.json_option
def compare(run_a: str, run_b: str, threshold: float, ledger_dir: str | None, as_json: bool) -> int:
    """Compare the trace of RUN_B with that of RUN_A, and name the first divergent point.

    Identity first: traces that do not mean the same are incomparable, and the fix is told. Along
    one path the answer is equal or differs. Along different ones it is expected, where every point
    is within three times a floor recorded for exactly these paths and models; over floor; or no
    floor, with the command that would measure it.

    Exit code 0 for equal, expected and no floor; 1 for differs, over floor and incomparable.
    """
    with base.open_ledger(ledger_dir) as ledger:
        run, compared = record_comparison(ledger, run_a, run_b, threshold=threshold)
        command = measuring_command(*(_arguments(ledger, name) for name in (run_a, run_b)))
    base.print_table(_table(compared), "json" if as_json else "table")
    for line in _sentences(run, run_a, run_b, compared, command):
        base.say(line)
    return 1 if compared.result in _FINDINGS else 0


def record_comparison(
    ledger: base.Ledger, run_a: str, run_b: str, *, threshold: float
) -> "tuple[str, Comparison]":
    """Compare and record; returns the run's name and the comparison.

    Raises `BadArguments` for runs without a trace, `IntegrityError` for a blob that changed.
    """
    from ml.comparison import compare as compare_traces

    hash_a, data_a = _load(ledger, run_a)
    hash_b, data_b = _load(ledger, run_b)
    facts: base.Facts = {
        **base.ON_RECORD,
        "arguments": {"run_a": run_a, "run_b": run_b, "threshold": number(threshold)},
        "inputs": {"trace_a": hash_a, "trace_b": hash_b},
    }
    with base.bad_input():
        floors = recorded_floors(ledger) if data_a.path != data_b.path else []
        compared = compare_traces(data_a, data_b, threshold=threshold, floors=floors)
    if compared.floor.floor is not None:
        facts["inputs"] = {**facts["inputs"], "floor": compared.floor.floor.cite}
    with base.start(ledger, "compare", facts) as run:
        names = {"run_a": run_a, "run_b": run_b, "trace_a": hash_a, "trace_b": hash_b}
        first = _record(run, compared, names)
        _measure(run, compared, data_a, data_b, names, first)
        return run.name, compared


def _load(ledger: base.Ledger, run: str) -> "tuple[str, TraceData]":
    """A run's trace as the ledger keeps it, with the hash of its first part."""
    from ml.comparison import TraceData

    parts = base.entries_of(ledger, run, "trace.captured")
    hash_, body = parts[0]
    blob = ledger.read_blob(body["blob"])
    points = [point[:3] for _, part in parts for point in part["points"]]
    identity = body["identity"] | {"points": points}
    return hash_, TraceData(identity=identity, path=body["path"], blob=blob)


def _record(run: base.Run, compared: "Comparison", names: dict[str, str]) -> str:
    """Record the comparison in as many parts as it needs; the hash of the first."""
    points = [[p.point, p.layer] for p in compared.points]
    rows = [_distances(p) for p in compared.points]
    record: dict[str, Any] = compared.to_record()
    first = compared.first_divergence
    divergence = None
    if first is not None:
        divergence = {
            "point": first.point,
            "layer": first.layer,
            "row": first.position,
            "distance": number(first.d_row),
        }
    columns, cites = list(COLUMNS), [names["trace_a"], names["trace_b"]]
    if compared.floor.floor is not None:
        columns += FLOOR_COLUMNS
        cites.append(compared.floor.floor.cite)
        rows = [[*row, *_floor(p)] for row, p in zip(rows, compared.points, strict=True)]
    parts = base.split_rows(len(points), lambda i: [points[i], rows[i]])
    receipts = [
        run.record(
            "comparison.made",
            {
                **names,
                "provenance": "derived",
                "part": part,
                "parts": len(parts),
                "result": compared.result,
                "identity_differences": record["identity_differences"],
                "path_differences": record["path_differences"],
                "threshold": number(compared.threshold),
                "first_divergence": divergence,
                "columns": columns,
                "points": points[chosen.start : chosen.stop],
                "rows": rows[chosen.start : chosen.stop],
            },
            cites=cites,
        )
        for part, chosen in enumerate(parts)
    ]
    return receipts[0].hash


def _distances(point: "PointComparison") -> list[Any]:
    """The values of `COLUMNS`."""
    return [
        number(point.median),
        number(point.largest),
        point.largest_position,
        None if point.std_ratio is None else number(point.std_ratio),
        point.bit_equal,
    ]


def _floor(point: "PointComparison") -> list[Any]:
    """The values of `FLOOR_COLUMNS`."""
    if point.floor is None:
        return [None, None, None]
    floor = point.floor
    return [number(floor.free_max), number(floor.free_median), point.is_over_floor]


def _arguments(ledger: base.Ledger, run: str) -> dict[str, Any]:
    """What a run was asked for."""
    (_, body), *_ = base.entries_of(ledger, run, "run.started")
    arguments: dict[str, Any] = body["arguments"]
    return arguments


def _measure(
    run: base.Run,
    compared: "Comparison",
    a: "TraceData",
    b: "TraceData",
    names: dict[str, str],
    hash_: str,
) -> None:
    """Record the numbers that criteria ask for.

    An incomparable pair yields none, and neither does a trace held against itself: a number that
    could not have come out otherwise is no measurement.
    """
    if compared.result == "incomparable" or names["trace_a"] == names["trace_b"]:
        return
    key = {"contract": CONTRACT, "tokens": f"sha256:{a.identity['tokens_sha256']}"}
    for side, data in (("a", a), ("b", b)):
        key[f"model_{side}"] = f"sha256:{data.path['model_sha256']}"
        for name in ("engine", "device", "kv_dtype"):
            key[f"{name}_{side}"] = str(data.path[name])
    worst = max(p.largest for p in compared.points)
    divergent = sum(p.largest > compared.threshold for p in compared.points)
    numbers: list[tuple[str, Any, str]] = [
        ("trace_distance_max", number(worst), "ratio"),
        ("divergent_points", divergent, "count"),
    ]
    numbers += [
        ("logits_distance_max", number(p.largest), "ratio")
        for p in compared.points
        if p.point == "logits"
    ]
    for metric, value, unit in numbers:
        run.measure(metric, value, unit, key, provenance="derived", cites=(hash_,))
    floor = compared.floor.floor
    if floor is not None:
        over = sum(p.is_over_floor for p in compared.points)
        bound, cites = {**key, "floor": floor.cite}, (hash_, floor.cite)
        run.measure("points_over_floor", over, "count", bound, provenance="derived", cites=cites)


def _table(compared: "Comparison") -> base.Table:
    has_floor = compared.floor.floor is not None
    rows = tuple(
        (
            *(p.layer, p.point, p.median, p.largest, p.largest_position, p.std_ratio, p.bit_equal),
            *(_floor(p) if has_floor else ()),
        )
        for p in compared.points
    )
    return base.Table(("layer", "point", *COLUMNS, *(FLOOR_COLUMNS if has_floor else ())), rows)


def _sentences(
    run: str, run_a: str, run_b: str, compared: "Comparison", command: str | None
) -> list[str]:
    """The answer in words; `command` would measure a floor that is missing."""
    lines = [f"{run}: {run_b} against {run_a}: {compared.result.replace('_', ' ')}"]
    for difference in compared.identity_differences:
        lines.append(f"  not comparable: {difference.name} is {difference.a} and {difference.b}")
        lines.append(f"  fix: {difference.fix}")
    if compared.path_differences:
        lines.append("  the paths differ in:")
        lines += [f"    {d.name}: {d.a} | {d.b}" for d in compared.path_differences]
    lines += _floor_sentences(compared, command)
    first = compared.first_divergence
    if compared.floor.floor is not None:
        pass  # a floor says at each point what is far; one threshold for all says nothing beside it
    elif first is not None:
        layer = "" if first.layer is None else f"layer {first.layer}, "
        lines.append(
            f"  first divergence: {layer}{first.point}, token {first.position}: "
            f"row distance {first.d_row:.3g} > {compared.threshold:g}"
        )
    elif compared.points:
        lines.append(f"  no point is further apart than {compared.threshold:g}")
    return lines


def _floor_sentences(compared: "Comparison", command: str | None) -> list[str]:
    """Which floor was used and what is over it; or why none was, and how to measure one."""
    chosen = compared.floor.floor
    if chosen is not None:
        turned = ", measured the other way round" if compared.floor.is_turned else ""
        lines = [f"  floor: {chosen.run}{turned} ({chosen.cite})"]
        over = compared.first_over_floor
        if over is not None and over.floor is not None:
            where = "" if over.layer is None else f"layer {over.layer}, "
            lines.append(
                f"  first over three floors: {where}{over.point}: largest {over.largest:.3g} with "
                f"a floor of {over.floor.free_max:.3g}, median {over.median:.3g} with "
                f"{over.floor.free_median:.3g}"
            )
        return lines
    lines = [f"  floor not used: {reason}" for reason in compared.floor.reasons]
    if compared.result == "no_floor":
        fix = command or "there is none: one side is no prefill pass of this program; try bisect"
        files = {d.name for d in compared.path_differences} & {"model_sha256"}
        sound = " between two files that are sound" if files and command else ""
        lines.append(f"  to measure a floor{sound}: {fix}")
    return lines
