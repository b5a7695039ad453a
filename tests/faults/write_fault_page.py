"""Write spec/reference/faults.md: every fault is made, and the page says who found it.

`python tests/faults/write_fault_page.py`
"""

import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "tests" / "faults")]

from fault_base import Fault, Stage, stages  # noqa: E402 - found by the path above
from fault_detectors import BAND_NAME, DETECTORS, GATE  # noqa: E402
from fault_floors import RULES  # noqa: E402
from fault_hunt import OURS, Hunt, hunt  # noqa: E402
from fault_list import FAULTS  # noqa: E402
from fault_models import TRIALS, Trial  # noqa: E402
from fault_strength import SHARP  # noqa: E402

PAGE = ROOT / "spec" / "reference" / "faults.md"

HOW = """\
Each fault is put into a model of seeded numbers: into its file, where weights or metadata are
wrong, or into the pass, where an operation does something else. Then every detector names the first
stage at which it sees anything. A stage is a point of a layer, in the order of computation. A fault
is found where its **site**, the first stage whose own operation gives other numbers, or the stage
after it is named.

- **std band** is what the seed project went by: std over all tokens of one side over that of the
  other in [0.5, 2], of `ffn_gate` in [0.7, 1.4], and equal counts of finite values. It gets all our
  points, where the seeds had ten. It is no part of the gate.
- **row distance** is rms(a - b) / rms(a) of each token, from full activations.
- **sketch** is what `ledger run compare` says of two stored traces and a recorded floor.
- **local scan** is what `ledger run bisect` answers: the other pass computes each stage from what
  the sound pass had before it.
- **bytes** holds the faulty file against a sound one of the same type, tensor by tensor. It has
  nothing to say of the pass, nor of metadata.

Distances are held against three times a floor that was measured on five other prompts
(`tests/faults/floors.json`). In the tables, *site* and *+1* are found, a stage in words is named
too late, and a dash is silence."""

ROUNDING = """\
In the last two trials the sound side has the weights in another type. Free-running distances then
begin at what rounding does and grow with the layers. The local scan starts afresh at each stage, so
that bias, rotation, norm and attention are seen as sharply as ever, and only products with rounded
weights are not. A fault of the pass that is as small as the rounding of its product survives there.
The path of the same precision finds the same kinds of fault (`shallow`)."""

STRENGTHS = """\
Faults of one kind, made ever smaller, each time to a quarter: the least strength s down to which
every one is found. A dash is where even s = 1 is not. No floor is under 1e-6, so no distance under
3e-6 is taken for a fault."""

MUTANTS = """\
The gate is row distance, sketch, local scan and bytes together. What survives where one of them is
switched off, and where only one is left:"""

FLOORS = """\
What the detectors say of sound passes, the numpy engine's and the port's, on a prompt that no floor
was measured on. The first two rules are here for comparison: as measured, one layer's luck sets the
bar; the running median takes away the floor of a layer that is louder than its neighbours. The
faults above were looked for with the larger of both."""


def page(seen: Hunt) -> str:
    """The text of the page."""
    parts = [
        "# Faults, and who finds them",
        "*Made by `python tests/faults/write_fault_page.py` (`make docs`), which puts every fault "
        "into a model and asks every detector; not edited by hand.*",
        _summary(seen),
        "## How",
        HOW,
    ]
    for trial in TRIALS:
        rows = (_fault_row(trial, fault, seen) for fault in FAULTS[trial.name])
        columns = ("fault", "what is wrong", "site", *DETECTORS)
        parts += [f"## {trial.name.capitalize()}: {trial.story}", _table(columns, rows)]
    parts += [
        "## Across types",
        ROUNDING,
        "## How small",
        STRENGTHS,
        _table(
            ("fault", *(f"{name}, {words}" for words in seen.least for name in SHARP)),
            _least_rows(seen),
        ),
        "## Scores",
        "Faults found, of all that are in the trial.",
        _table(("trial", "faults", *DETECTORS, "the gate"), (_score(one, seen) for one in TRIALS)),
        "## Mutants of the gate",
        MUTANTS,
        _table(("detectors", "survive", "which"), _mutants(seen)),
        "## Controls and floors",
        FLOORS,
        _table(("floors", "false alarms", "which"), _alarm_rows(seen)),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(seen: Hunt) -> str:
    exact = [trial for trial in TRIALS if trial.sound is trial.model]
    count = sum(len(FAULTS[trial.name]) for trial in exact)
    missed = sum(len(seen.survivors(trial)) for trial in exact)
    unseen = sum(len(seen.survivors(trial, [BAND_NAME])) for trial in exact)
    alarms = sum(len(seen.alarms(trial, name)) for trial in TRIALS for name in DETECTORS)
    across = [trial for trial in TRIALS if trial not in exact]
    total = sum(len(FAULTS[trial.name]) for trial in across)
    found = total - sum(len(seen.survivors(trial)) for trial in across)
    return (
        f"{count - missed} of {count} faults are named at their site or one stage late by the gate "
        f"(row distance, sketch, local scan or bytes): a mutation score of "
        f"{(count - missed) / count:.2f}. The std band of the seeds finds {count - unseen}: "
        f"{(count - unseen) / count:.2f}. Where the two sides have their weights in different "
        f"types, the gate finds {found} of {total}. Sound passes give {alarms} false alarms."
    )


def _fault_row(trial: Trial, fault: Fault, seen: Hunt) -> tuple[str, ...]:
    named = seen.faults[trial.name][fault.name]
    cells = (_cell(named[name], fault.site, trial.model.layers) for name in DETECTORS)
    return fault.name, fault.what, _words(fault.site), *cells


def _cell(named: Stage | None, site: Stage, layers: int) -> str:
    if named is None:
        return "-"
    order = stages(layers)
    late = order.index(named) - order.index(site)
    return {0: "site", 1: f"+1: {_words(named)}"}.get(late, _words(named))


def _words(stage: Stage) -> str:
    point, layer = stage
    return f"`{point}`" if layer is None else f"`{point}` {layer}"


def _least_rows(seen: Hunt) -> Iterable[tuple[str, ...]]:
    for family in next(iter(seen.least.values())):
        cells = (found[family][name] for found in seen.least.values() for name in SHARP)
        yield family, *("-" if cell is None else str(Fraction(cell)) for cell in cells)


def _score(trial: Trial, seen: Hunt) -> tuple[str, ...]:
    count = len(FAULTS[trial.name])
    each = (str(count - len(seen.survivors(trial, [name]))) for name in DETECTORS)
    return trial.name, str(count), *each, str(count - len(seen.survivors(trial)))


def _mutants(seen: Hunt) -> Iterable[tuple[str, ...]]:
    settings = {"all four": tuple(GATE)}
    settings |= {f"without {name}": tuple(one for one in GATE if one != name) for name in GATE}
    settings |= {f"only {name}": (name,) for name in GATE}
    for words, names in settings.items():
        left = {trial.name: seen.survivors(trial, names) for trial in TRIALS}
        count = sum(map(len, left.values()))
        shown = "; ".join(f"{trial}: {', '.join(found)}" for trial, found in left.items() if found)
        counts = ", ".join(f"{trial} {len(found)}" for trial, found in left.items() if found)
        yield words, str(count), shown if count <= 12 else counts


def _alarm_rows(seen: Hunt) -> Iterable[tuple[str, ...]]:
    for rule in RULES:
        alarms = [
            f"{trial.name}, {name}: {_words(stage)}"
            for trial in TRIALS
            for name in DETECTORS
            for stage in seen.alarms(trial, name, rule)
        ]
        words = f"**{rule}**" if rule == OURS else rule
        yield words, str(len(alarms)), "; ".join(dict.fromkeys(alarms)) or "-"


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(hunt()), encoding="utf-8")
    sys.stderr.write(f"{PAGE.relative_to(ROOT)} is written\n")
