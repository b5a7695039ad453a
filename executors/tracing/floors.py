"""Floors as the ledger keeps them, and the command that would measure one that is missing."""

import shlex
from typing import TYPE_CHECKING, Any, Final

from executors import base

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml.floors import Floor

#: What `ml.passes.Settings` may be told, and so what a floor may be measured between; and what it
#: takes where it is told nothing. An engine is always named.
_SETTINGS: Final = {"engine": "", "activation": "none", "device": "auto", "kv": "f32"}
_FLOORS: Final = ("free_max", "free_median", "local_max", "local_median", "local_channel")


def recorded_floors(ledger: base.Ledger, run: str | None = None) -> "list[Floor]":
    """Every floor on record, oldest first, fallen ones marked; or that of one run.

    Raises `BadArguments` for a run that recorded none.
    """
    table = ledger.query("floors", run=run) if run else ledger.query("floors")
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    if run and not rows:
        raise base.BadArguments(
            f"run {run} has recorded no floor.measured", hint="`ledger query floors` lists them"
        )
    return [_read(ledger, row) for row in rows]


def _read(ledger: base.Ledger, row: "Mapping[str, Any]") -> "Floor":
    from ml.floors import Floor, PointFloor

    parts = [body for _, body in base.entries_of(ledger, row["run"], "floor.measured")]
    points = {}
    for body in parts:
        columns = [body["columns"].index(name) for name in _FLOORS]
        for (name, layer), values in zip(body["points"], body["rows"], strict=True):
            numbers = {floor: float(values[at]) for floor, at in zip(_FLOORS, columns, strict=True)}
            points[name, layer] = PointFloor(**numbers)
    return Floor(
        cite=row["hash"],
        run=row["run"],
        path_a=parts[0]["path_a"],
        path_b=parts[0]["path_b"],
        points=points,
        fallen=row["fallen"],
    )


def measuring_command(a: "Mapping[str, Any]", b: "Mapping[str, Any]") -> str | None:
    """The command that would measure the floor between two runs, ready to paste.

    `a` and `b` are the `arguments` of their `run.started`. None where one of them is no pass of
    ours, or where the paths differ in something that no floor can be measured across.
    """
    if any("model" not in side or "engine" not in side for side in (a, b)):
        return None
    if any(side.get("batching", "prefill") != "prefill" for side in (a, b)):
        return None
    if [a["model"], told(a)] == [b["model"], told(b)]:
        return None
    return floor_command(a["model"], b["model"], told(a), told(b))


def told(settings: "Mapping[str, Any]") -> str:
    """Settings as `--a` and `--b` take them, without what is so by default."""
    return ",".join(
        f"{name}={settings[name]}"
        for name, default in _SETTINGS.items()
        if settings.get(name, default) != default
    )


def floor_command(model_a: str, model_b: str, a: str, b: str) -> str:
    """The command that measures the floor between two sides."""
    more = [] if model_a == model_b else ["--model-b", model_b]
    return shlex.join(["ledger", "run", "floor", model_a, *more, "--a", a, "--b", b])
