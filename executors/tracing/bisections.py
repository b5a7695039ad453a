"""A bisection as it is asked for, computed and recorded; `executors.bisect` is the command."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from executors import base
from executors.tracing.floors import floor_command, recorded_floors, told
from executors.tracing.recording import number
from executors.tracing.sides import choose_device, facts, read_sides

if TYPE_CHECKING:
    from ml.bisection import Bisection, Evidence
    from ml.devices import DeviceChoice
    from ml.floors import Floor
    from ml.imported_contract import Contract
    from ml.passes import Pass, Side

COLUMNS: Final = (
    "inherited", "inherited_median", "local", "local_median", "local_channel", "local_row", "limit",
    "limit_median", "limit_channel", "floor", "over",
)  # fmt: skip
_KEPT_IDS: Final = 4096
_DEFAULT: Final = "engine=a"


@attrs.frozen(slots=True, kw_only=True)
class Asked:
    """What a bisection was asked for, besides models and prompt."""

    a: str | None = None
    b: str | None = None
    against: Path | None = None
    contract: Path | None = None
    floor_run: str | None = None
    threshold: float | None = None


@attrs.frozen(slots=True, kw_only=True)
class Done:
    """A recorded bisection, with what a plot and a reproducer need."""

    run: str
    title: str
    """Which side was held against which."""
    found: "Bisection"
    evidence: "Evidence"
    ids: tuple[int, ...]
    sides: "dict[str, Side]"
    """By name; `a` is not there where it is somebody else's."""
    command: str | None
    """What would measure the floor between the two sides; None where none can be."""


@attrs.frozen(slots=True, kw_only=True)
class _Prepared:
    """Everything that was checked before the run begins."""

    sides: "dict[str, Side]"
    choices: "list[DeviceChoice]"
    ids: tuple[int, ...]
    reference: "Pass | None"
    """Somebody else's activations; None where side a is to be computed."""
    program: str | None
    """Who made them."""
    floors: "list[Floor]"
    chosen: "Floor | None"


def record_bisection(
    ledger: base.Ledger,
    model_a: Path,
    model_b: Path | None,
    tokens: list[int] | None,
    asked: Asked,
) -> Done:
    """Bisect and record.

    Raises `BadArguments` or `Malformed` before a run begins, `ExecutorFailed` for one that failed.
    """
    prepared = _prepare(ledger, model_a, model_b, tokens, asked)
    told = _facts(prepared, model_a, model_b, asked)
    with base.progress("bisecting") as report, base.start(ledger, "bisect", told) as run:
        with base.ml_errors():
            found, evidence = _compute(prepared, asked, report)
        _record(run, found, prepared, evidence)
        name_b = (model_b or model_a).name
        return Done(
            run=run.name,
            title=f"{name_b} against {prepared.program or model_a.name}",
            found=found,
            evidence=evidence,
            ids=prepared.ids,
            sides=prepared.sides,
            command=_command(prepared, model_a, model_b),
        )


def _prepare(
    ledger: base.Ledger,
    model_a: Path,
    model_b: Path | None,
    tokens: list[int] | None,
    asked: Asked,
) -> _Prepared:
    from ml.bisection import check_threshold
    from ml.prompts import check_ids

    with base.bad_input():
        check_threshold(asked.threshold)
    if (asked.against is None) != (asked.contract is None):
        raise base.BadArguments(
            "--against and --contract go together", hint="give both, or neither"
        )
    floors = recorded_floors(ledger)
    chosen = recorded_floors(ledger, asked.floor_run)[-1] if asked.floor_run else None
    if chosen is not None and chosen.fallen is not None:
        raise base.BadArguments(
            f"{chosen.run} carries nothing any more: {chosen.fallen}",
            hint="measure it again, or leave --floor out",
        )
    if asked.against is not None and asked.contract is not None:
        return _against(model_a, model_b, tokens, asked, floors, chosen)
    a = asked.a or _DEFAULT
    side_a, side_b, choices = read_sides(model_a, model_b, a, asked.b or a)
    with base.bad_input():
        ids = check_ids(tokens or [], side_a.model.config)
        check_ids(ids, side_b.model.config)
    return _Prepared(
        sides={"a": side_a, "b": side_b},
        choices=choices,
        ids=ids,
        reference=None,
        program=None,
        floors=floors,
        chosen=chosen,
    )


def _against(
    model: Path,
    model_b: Path | None,
    tokens: list[int] | None,
    asked: Asked,
    floors: "list[Floor]",
    chosen: "Floor | None",
) -> _Prepared:
    """Somebody else's activations as side a."""
    from ml.imported_contract import read_contract
    from ml.imported_traces import path_of, read_activations
    from ml.passes import Pass, open_side, parse_settings
    from ml.prompts import check_ids

    if model_b is not None or asked.a is not None or tokens is not None:
        raise base.BadArguments(
            "--against takes the place of side a, and its contract has the token ids",
            hint="leave MODEL_B, --a and the prompt out; --b says how MODEL_A computes",
        )
    if asked.against is None or asked.contract is None:
        raise ValueError("no folder to hold anything against")  # a bug of the caller
    with base.bad_input():
        contract: Contract = read_contract(asked.contract)
        activations = read_activations(asked.against, contract)
        side = open_side(model, parse_settings(asked.b or _DEFAULT))
        ids = check_ids(contract.ids, side.model.config)
    return _Prepared(
        sides={"b": side},
        choices=[choose_device(side)],
        ids=ids,
        reference=Pass(activations=activations, path=path_of(contract)),
        program=contract.program,
        floors=floors,
        chosen=chosen,
    )


def _facts(prepared: _Prepared, model_a: Path, model_b: Path | None, asked: Asked) -> base.Facts:
    from ml import identity

    arguments: dict[str, Any] = {
        "model": model_a.name,
        "model_b": None if model_b is None else model_b.name,
        **{name: str(side.settings) for name, side in prepared.sides.items()},
        "against": None if asked.against is None else asked.against.name,
        "program": prepared.program,
        "floor": asked.floor_run,
        "threshold": None if asked.threshold is None else number(asked.threshold),
        "ids": list(prepared.ids) if len(prepared.ids) <= _KEPT_IDS else None,
    }
    told = facts(prepared.sides, prepared.choices, arguments)
    told["inputs"] = {
        **told["inputs"],
        "tokens": f"sha256:{identity.tokens_sha256(prepared.ids)}",
    }
    if prepared.reference is not None:
        told["provenance"] = "asserted"
    return told


def _compute(
    prepared: _Prepared,
    asked: Asked,
    report: Any,  # noqa: ANN401 - of the progress bar
) -> "tuple[Bisection, Evidence]":
    from ml.bisection import bisect

    passes = 2 if prepared.reference is not None else 3
    done = 0

    def of_pass(_stage: str, layers: int, total: int) -> None:
        nonlocal done
        report(done * total + layers, passes * total)
        done += layers == total

    reference = prepared.reference
    if reference is None:
        reference = prepared.sides["a"].run(prepared.ids, progress=of_pass)
    return bisect(
        reference,
        prepared.sides["b"],
        prepared.ids,
        floors=prepared.floors,
        chosen=prepared.chosen,
        threshold=asked.threshold,
        progress=of_pass,
    )


def stage_rows(found: "Bisection") -> list[list[Any]]:
    """The values of `COLUMNS` for each stage."""
    return [
        [
            number(stage.inherited.largest),
            number(stage.inherited.median),
            number(stage.local.largest),
            number(stage.local.median),
            number(stage.local.channel),
            stage.local.row,
            number(stage.limit_largest),
            number(stage.limit_median),
            number(stage.limit_channel),
            None if stage.floor is None else number(stage.floor),
            stage.is_over,
        ]
        for stage in found.stages
    ]


def _record(run: base.Run, found: "Bisection", prepared: _Prepared, evidence: "Evidence") -> None:
    """Record the bisection in as many parts as it needs."""
    from ml import identity

    points = [list(stage.place) for stage in found.stages]
    rows = stage_rows(found)
    culprit = found.culprit
    said = None
    if culprit is not None:
        name, layer = culprit.place
        said = {
            "point": name,
            "layer": layer,
            "row": culprit.local.row,
            "distance": number(culprit.local.largest),
        }
    floor = found.choice.floor
    parts = base.split_rows(len(points), lambda i: [points[i], rows[i]])
    for part, among in enumerate(parts):
        chosen = slice(among.start, among.stop)
        run.record(
            "bisection.made",
            {
                "provenance": "measured" if prepared.reference is None else "asserted",
                "part": part,
                "parts": len(parts),
                "path_a": dict(evidence.path_a),
                "path_b": dict(evidence.path_b),
                "path_differences": [
                    {"name": d.name, "a": d.a, "b": d.b} for d in found.path_differences
                ],
                "tokens": f"sha256:{identity.tokens_sha256(prepared.ids)}",
                "floor": None if floor is None else floor.cite,
                "default_limit": None if found.default is None else number(found.default),
                "culprit": said,
                "answer": found.sentence(),
                "columns": list(COLUMNS),
                "points": points[chosen],
                "rows": rows[chosen],
            },
            cites=() if floor is None else (floor.cite,),
        )


def _command(prepared: _Prepared, model_a: Path, model_b: Path | None) -> str | None:
    """What would measure the floor between the two sides, ready to paste."""
    if prepared.reference is not None:
        return None
    a, b = (told(attrs.asdict(prepared.sides[name].settings)) for name in "ab")
    return floor_command(str(model_a), str(model_b or model_a), a, b)
