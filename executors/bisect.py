"""`ledger run bisect`: which operation of a pass is the first that differs by itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.tracing.bisections import COLUMNS, Asked, record_bisection, stage_rows
from executors.tracing.options import prompt_options
from executors.tracing.prompt import read_prompt

if TYPE_CHECKING:
    from executors.tracing.bisections import Done
    from ml.bisection import Bisection

_EXAMPLES: Final = (
    "Examples:\n\n\b\n  ledger run bisect model.gguf port.gguf --prompt 'hello the'\n"
    "  ledger run bisect model.gguf --a engine=a --b engine=numpy --ids 319,75,75,78\n"
    "  ledger run bisect model.gguf port.gguf --ids 319,75 --plot bisect.svg --reproducer case/\n"
    "  ledger run bisect model.gguf port-Q8_0.gguf --ids-file ids.txt --floor floor-0001\n"
    "  ledger run bisect port.gguf --against activations/ --contract trace.yaml"
)


@click.command(epilog=_EXAMPLES)
@click.argument("model_a", type=click.Path(path_type=Path))
@click.argument("model_b", required=False, type=click.Path(path_type=Path))
@prompt_options
@click.option(
    "--a", metavar="NAME=VALUE,…", help="How side a computes: engine, activation, device, kv."
)
@click.option("--b", metavar="NAME=VALUE,…", help="How side b computes (else as side a).")
@click.option(
    "--against",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Somebody else's full activations as side a; MODEL_A is then side b.",
)
@click.option(
    "--contract",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What the files in --against are (spec/formats/imported_trace.md).",
)
@click.option(
    "--floor", "floor_run", metavar="RUN", help="Use this run's floor, whatever it was measured on."
)
@click.option("--threshold", type=float, help="Use this limit for every stage in place of floors.")
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw it: *.svg or *.png."
)
@click.option(
    "--reproducer",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the first such operation as a test that needs numpy alone.",
)
@base.ledger_option
@base.json_option
def bisect(
    model_a: Path,
    model_b: Path | None,
    ids: str | None,
    ids_file: Path | None,
    prompt: str | None,
    bos: bool,
    ledger_dir: str | None,
    as_json: bool,
    plot: Path | None,
    reproducer: Path | None,
    **asked: Any,  # noqa: ANN401 - what `record_bisection` takes
) -> int:
    """Say where MODEL_B, or another path through MODEL_A, begins to differ.

    Every stage has two scores. Inherited: both sides run by themselves. Local: both are fed the
    same input, so that a stage shows what its own operation does. The first stage whose local score
    is over three local floors (or over a default that is told) is the culprit.

    Exit code 1 where there is one, 0 where there is none.
    """
    _check_outputs(plot, reproducer)
    with base.open_ledger(ledger_dir) as ledger:
        is_given = bos or any(value is not None for value in (ids, ids_file, prompt))
        tokens = None
        if is_given or asked["against"] is None:
            tokens = read_prompt(model_a, ids, ids_file, prompt, bos=bos)
        done = record_bisection(ledger, model_a, model_b, tokens, Asked(**asked))
    base.print_table(_table(done.found), "json" if as_json else "table")
    for line in _sentences(done):
        base.say(line)
    if plot is not None:
        _plot(plot, done)
    if reproducer is not None:
        _reproduce(reproducer, done)
    return 1 if done.found.culprit is not None else 0


def _check_outputs(plot: Path | None, reproducer: Path | None) -> None:
    """Refuse what could not be written before anything is computed."""
    with base.bad_input():
        from ml.bisection_plot import check_plot_path
        from ml.reproducer import check_folder

        if plot is not None:
            check_plot_path(plot)
        if reproducer is not None:
            check_folder(reproducer)


def _plot(path: Path, done: "Done") -> None:
    from ml.bisection_plot import write_plot

    with base.bad_input():
        write_plot(path, done.found, done.title)
    base.say(f"  plot: {path}")


def _reproduce(folder: Path, done: "Done") -> None:
    from ml.reproducer import write_reproducer

    culprit = done.found.culprit
    if culprit is None:
        base.say("  no reproducer: no stage differs by itself")
        return
    with base.bad_input():
        written = write_reproducer(
            folder, culprit, done.evidence, done.ids, done.sides.get("a"), done.sides["b"]
        )
    base.say(f"  reproducer: python {folder / 'test_reproducer.py'}")
    for line in written.words.splitlines():
        base.say(f"    {line}")


def _table(found: "Bisection") -> base.Table:
    rows = tuple(
        (stage.place[1], stage.place[0], *values)
        for stage, values in zip(found.stages, stage_rows(found), strict=True)
    )
    return base.Table(("layer", "point", *COLUMNS), rows)


def _sentences(done: "Done") -> list[str]:
    """The answer in words."""
    found = done.found
    lines = [f"{done.run}: {found.sentence()}"]
    over = [stage.name for stage in found.stages if stage.is_over][1:]
    if over:
        more = f" and {len(over) - 5} more" if len(over) > 5 else ""
        lines.append(f"  these differ by themselves too: {', '.join(over[:5])}{more}")
    lines.append("  the paths differ in:")
    lines += [f"    {d.name}: {d.a} | {d.b}" for d in found.path_differences]
    if found.choice.floor is not None:
        lines.append(f"  floor: {found.choice.floor.run} ({found.choice.floor.cite})")
    lines += [f"  floor not used: {reason}" for reason in found.choice.reasons]
    if found.default is not None:
        lines.append(f"  limit without a floor: {found.default:.2g} ({found.why_default})")
    if found.needs_floor and done.command is not None:
        lines.append(f"  to measure a floor: {done.command}")
        if {d.name for d in found.path_differences} & {"model_sha256"}:
            lines.append("  but put a sound file in place of a doubtful one, and give --floor RUN:")
            lines.append("  a floor that is measured on a fault hides it")
    return lines
