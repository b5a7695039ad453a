"""`ledger run floor`: how far two paths are apart on the same prompts, measured and recorded."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.tracing.recording import number
from executors.tracing.sides import facts, read_sides

if TYPE_CHECKING:
    from ml.floor_measuring import MeasuredFloor, Prompts
    from ml.passes import Side

#: Floors first, then the distances that they were made from.
COLUMNS: Final = (
    "free_max", "free_median", "local_max", "local_median", "local_channel",
    "measured_free_max", "measured_free_median", "measured_local_max", "measured_local_median",
    "measured_local_channel",
)  # fmt: skip
_MOST_BYTES: Final = 16 << 20
_EXAMPLES: Final = (
    "Examples:\n\n\b\n  ledger run floor model.gguf --a engine=a --b engine=numpy\n"
    "  ledger run floor model-Q8_0.gguf --a engine=b --b engine=b,activation=q8\n"
    "  ledger run floor model-f16.gguf --model-b model-Q8_0.gguf --a engine=a --b engine=a\n"
    "  ledger run floor model.gguf --b kv=f16 --prompts prompts.txt --json"
)


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--model-b", type=click.Path(path_type=Path), help="Another model file for path b.")
@click.option(
    "--a",
    default="engine=a",
    show_default=True,
    metavar="NAME=VALUE,…",
    help="How path a computes: engine, activation, device, kv.",
)
@click.option("--b", required=True, metavar="NAME=VALUE,…", help="How path b computes.")
@click.option(
    "--prompts",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Token ids, a prompt a line, at least five of 64 (else five of 64 by a fixed rule).",
)
@click.option(
    "--points",
    multiple=True,
    metavar="GLOB[,GLOB…]",
    help="Record these points alone, such as 'q_*,output' (else all); repeatable.",
)
@base.ledger_option
@base.json_option
def floor(
    model: Path,
    model_b: Path | None,
    a: str,
    b: str,
    prompts: Path | None,
    points: tuple[str, ...],
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Measure how far path b of MODEL is from path a, though nothing is wrong with either.

    Free floors are of passes that run by themselves, local ones of single operations, both fed the
    same input. Of each point the largest distance over all prompts counts, and never less than its
    neighbours' running median or 1e-6. `compare` and `bisect` hold what they find against three
    times that, where paths and model files are the same. Measure it on what is sound: a floor that
    is measured on a fault hides it.
    """
    with base.open_ledger(ledger_dir) as ledger:
        run, measured = record_floor(
            ledger, model, model_b=model_b, a=a, b=b, prompts=prompts, points=points
        )
    base.print_table(_table(measured), "json" if as_json else "table")
    base.say(f"{run}: a floor over {len(measured.prompts)} prompts, for paths that differ in")
    for difference in measured.path_differences:
        base.say(f"  {difference.name}: {difference.a} | {difference.b}")


def record_floor(
    ledger: base.Ledger,
    model: Path,
    *,
    b: str,
    a: str = "engine=a",
    model_b: Path | None = None,
    prompts: Path | None = None,
    points: tuple[str, ...] = (),
) -> "tuple[str, MeasuredFloor]":
    """Measure and record; returns the run's name and the floor.

    Raises `BadArguments` before a run begins, `ExecutorFailed` for a run that failed.
    """
    from ml import floor_measuring

    side_a, side_b, choices = read_sides(model, model_b, a, b)
    with base.bad_input():
        chosen = _chosen(points)
        read = _prompts(prompts, side_a)
        floor_measuring.check_prompts(read)
    arguments = {
        "model": model.name,
        "model_b": None if model_b is None else model_b.name,
        "a": str(side_a.settings),
        "b": str(side_b.settings),
        "prompts": "seeded" if prompts is None else prompts.name,
        "points": sorted(chosen),
    }
    blob = floor_measuring.prompts_bytes(read)
    digest = ledger.write_blob(blob)
    told = facts({"a": side_a, "b": side_b}, choices, arguments)
    told["inputs"] = {**told["inputs"], "prompts": digest}
    with base.progress("measuring") as report, base.start(ledger, "floor", told) as run:
        with base.ml_errors():
            measured = floor_measuring.measure_floor(
                side_a, side_b, read, progress=lambda _stage, done, total: report(done, total)
            )
        measured = _only(measured, chosen)
        _record(run, measured, side_a, side_b, digest)
        return run.name, measured


def _chosen(patterns: tuple[str, ...]) -> frozenset[str]:
    from ml.points import ALL_POINTS, select

    names = [name.strip() for each in patterns for name in each.split(",") if name.strip()]
    return select(names) if names else ALL_POINTS


def _prompts(file: Path | None, side: "Side") -> "Prompts":
    """The prompts of a file, or seeded ones. Raises `BadArguments`, `BadPrompt`."""
    from ml.floor_measuring import seeded_prompts
    from ml.prompts import check_ids

    config = side.model.config
    if file is None:
        return seeded_prompts(config.vocabulary)
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode()
        lines = [re.split(r"[,\s]+", line.strip(" \t\r,")) for line in text.splitlines()]
        prompts = [[int(part) for part in parts] for parts in lines if parts != [""]]
    except OSError as error:
        raise base.BadArguments(
            f"cannot read {file}: {error.strerror}", hint="check --prompts"
        ) from error
    except ValueError as error:
        raise base.BadArguments(
            f"{file} is not token ids, a prompt a line", hint="such as 319,75,75,78"
        ) from error
    return tuple(check_ids(ids, config) for ids in prompts)


def _only(measured: "MeasuredFloor", chosen: frozenset[str]) -> "MeasuredFloor":
    from attrs import evolve

    return evolve(
        measured,
        floors={at: value for at, value in measured.floors.items() if at[0] in chosen},
        measured={at: value for at, value in measured.measured.items() if at[0] in chosen},
    )


def _rows(measured: "MeasuredFloor") -> list[list[Any]]:
    from ml.floor_measuring import FLOORS

    return [
        [
            *(number(getattr(floor, name)) for name in FLOORS),
            *(number(getattr(measured.measured[at], name)) for name in FLOORS),
        ]
        for at, floor in measured.floors.items()
    ]


def _record(run: base.Run, measured: "MeasuredFloor", a: "Side", b: "Side", prompts: str) -> None:
    """Record the floor in as many parts as it needs."""
    points = [list(at) for at in measured.floors]
    rows = _rows(measured)
    parts = base.split_rows(len(points), lambda i: [points[i], rows[i]])
    for part, among in enumerate(parts):
        chosen = slice(among.start, among.stop)
        run.record(
            "floor.measured",
            {
                "provenance": "measured",
                "part": part,
                "parts": len(parts),
                "model_a": f"sha256:{a.model_sha256}",
                "model_b": f"sha256:{b.model_sha256}",
                "path_a": dict(measured.path_a),
                "path_b": dict(measured.path_b),
                "path_differences": [
                    {"name": d.name, "a": d.a, "b": d.b} for d in measured.path_differences
                ],
                "prompts": prompts,
                "tokens": [len(ids) for ids in measured.prompts],
                "columns": list(COLUMNS),
                "points": points[chosen],
                "rows": rows[chosen],
            },
        )


def _table(measured: "MeasuredFloor") -> base.Table:
    rows = tuple(
        (layer, name, *values)
        for (name, layer), values in zip(measured.floors, _rows(measured), strict=True)
    )
    return base.Table(("layer", "point", *COLUMNS), rows)
