"""Measured floors of the trials: how far the two sides are apart where nothing is wrong.

`floors.json` holds what `ml.floor_measuring` measured over five prompts of 64 tokens that the
faults are not looked for on: for each trial, point and layer the largest and the median row's
distance, running free and fed by the other side. `python tests/faults/fault_floors.py` measures
again, in a minute.
"""

import json
import math
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "tests" / "faults")]

from fault_base import Stage, stages  # noqa: E402 - found by the path above
from fault_models import TRIALS, Trial, prompt  # noqa: E402
from fault_traces import engine_side  # noqa: E402

from ml.architectures import open_model  # noqa: E402
from ml.floor_measuring import measure_floor  # noqa: E402
from ml.floors import LEAST, Floor, PointFloor, running_median, smoothed  # noqa: E402

FILE = Path(__file__).with_name("floors.json")
PROMPTS = tuple(map(prompt, (1, 2, 3, 4, 5)))
#: The order of the numbers of a layer.
COLUMNS = ("free_max", "free_median", "local_max", "local_median", "local_channel")
#: What the two sides say of how they computed, where the floor is asked for by paths.
PATHS = {side: {"side": side} for side in ("sound", "other")}

#: From measured distances to floors.
Rule = Callable[[Mapping[Stage, float]], Mapping[Stage, float]]
#: By point, the numbers of each layer.
Measured = dict[str, list[list[float]]]


def as_measured(measured: Mapping[Stage, float]) -> dict[Stage, float]:
    """Nothing but the least floor."""
    return {stage: max(value, LEAST) for stage, value in measured.items()}


def median_of_five(measured: Mapping[Stage, float]) -> dict[Stage, float]:
    """The running median over the layers of one kind of point, and nothing else.

    A layer may be louder than its neighbours by a factor of a hundred: the median takes its floor
    away, and its noise is called a fault.
    """
    found = as_measured(measured)
    for point in dict.fromkeys(point for point, layer in measured if layer is not None):
        layers = sorted(layer for name, layer in measured if name == point)
        medians = running_median([found[point, layer] for layer in layers])
        found |= {(point, layer): m for layer, m in zip(layers, medians, strict=True)}
    return found


#: The last is that of this project.
RULES: Mapping[str, Rule] = {
    "as measured": as_measured,
    "running median of five": median_of_five,
    "the larger of both": smoothed,
}


def read(trial: Trial, rule: Rule = smoothed) -> Floor:
    """The floor of a trial, made by a rule from what `floors.json` has."""
    recorded: Measured = json.loads(FILE.read_text(encoding="utf-8"))[trial.name]
    every = stages(trial.model.layers)
    found = [
        rule({(p, at): recorded[p][at or 0][i] for p, at in every}) for i in range(len(COLUMNS))
    ]
    points = {
        stage: PointFloor(**{name: one[stage] for name, one in zip(COLUMNS, found, strict=True)})
        for stage in every
    }
    return Floor(
        cite="floors.json",
        run="faults",
        path_a=PATHS["sound"],
        path_b=PATHS["other"],
        points=points,
    )


def measure(trial: Trial, folder: Path) -> Measured:
    """The largest distances over the prompts, rounded up to two digits."""
    paths = (folder / f"{trial.name}-sound.gguf", folder / f"{trial.name}.gguf")
    one, two = (
        open_model(model.parts().write(path))
        for model, path in zip((trial.sound, trial.model), paths, strict=True)
    )
    sides = engine_side(one, trial.engine), engine_side(two, "numpy")
    points: Measured = {}
    for (point, _), floor in measure_floor(*sides, PROMPTS).measured.items():
        points.setdefault(point, []).append([_up(getattr(floor, name)) for name in COLUMNS])
    return points


def _up(value: float) -> float:
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / step) * step:.1e}")


def _text(measured: Mapping[str, Measured]) -> str:
    """JSON with a line a point."""
    trials = []
    for trial, points in measured.items():
        lines = ",\n".join(f"  {json.dumps(p)}: {json.dumps(v)}" for p, v in points.items())
        trials.append(f" {json.dumps(trial)}: {{\n{lines}\n }}")
    return "{\n" + ",\n".join(trials) + "\n}\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        FILE.write_text(_text({one.name: measure(one, Path(made)) for one in TRIALS}))
    sys.stderr.write(f"{FILE.relative_to(ROOT)} is written\n")
