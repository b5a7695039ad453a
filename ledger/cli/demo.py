"""`ledger demo`: the whole flow on a tiny model, one command after the other."""

import contextlib
import io
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import click

from ledger.cli.base import say
from ledger.commands import tour, training_tour
from ledger.errors import BadArguments, ExecutorFailed
from ledger.ledger import Ledger

#: Lines of a long answer that the demo shows.
_SHOWN = 6


@click.command(
    epilog="Examples:\n\n\b\n  ledger demo\n  ledger demo ~/demo --full\n"
    "  ledger demo train ~/training"
)
@click.argument("words", nargs=-1, metavar="[train] [DIRECTORY]")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with reference/ and history/ [default: tests/data of the clone].",
)
@click.option("--full", is_flag=True, help="Show long answers whole.")
def demo(words: tuple[str, ...], data: Path | None, full: bool) -> int:
    """Run the whole flow in DIRECTORY (a new folder below demo/, if left out).

    Imports a real history, declares criteria, traces a tiny model through two engines, compares,
    judges, renders, audits; then changes one byte of a copy and lets the audit find it.

    With the word `train`: builds a corpus of Python's standard library, trains a small model on it,
    and renders the report. The last line is the held-out loss beside the unigram baseline; exit
    code 1 where it is not below. (A folder of that name is `./train`.)
    """
    is_training, places = words[:1] == ("train",), words[words[:1] == ("train",) :]
    if len(places) > 1:
        raise BadArguments(f"{' '.join(places[1:])} behind {places[0]}", hint="give one DIRECTORY")
    directory = Path(places[0]) if places else None
    if is_training:
        return _train(_empty(directory or _new_folder(Path("demo"))), full)
    source = tour.find_data(data.resolve() if data else None)
    home = _empty(directory or _new_folder(Path("demo")))
    started = time.perf_counter()
    (home / "criteria.jsonl").write_text(tour.criteria(source), encoding="utf-8")
    with _working_in(home):
        steps = tour.steps(source)
        for number, step in enumerate(steps, 1):
            _run(step, f"[{number}/{len(steps) + 1}]", full)
        _tampered(home, f"[{len(steps) + 1}/{len(steps) + 1}]")
    say("")
    say(f"Done in {time.perf_counter() - started:.0f} s. What to read:")
    for name, why in (
        ("spec/specification.md", "the specification, every number with its footnote"),
        ("spec/ship-two/history.md", "the real history: published boards against their fold"),
        ("spec/evidence/", "a folder for each run, comparison and criterion"),
        (".ledger/journal/", "the record itself, one line an entry"),
    ):
        click.echo(f"  {home / name}  {why}")
    say(f"As pages: ledger site {home / 'site'} --ledger {home}")
    return 0


def _empty(home: Path) -> Path:
    """The folder, made where it is not there; an error where it holds something."""
    if home.exists() and not home.is_dir():
        raise BadArguments(f"{home} is no folder", hint="give another DIRECTORY")
    home.mkdir(parents=True, exist_ok=True)
    if any(home.iterdir()):
        raise click.ClickException(f"{home} is not empty; give another DIRECTORY")
    return home.resolve()


def _train(home: Path, full: bool) -> int:
    """The tour of training; 1 where the model knows less than a table of frequencies."""
    started = time.perf_counter()
    with _working_in(home):
        steps = training_tour.steps()
        for number, step in enumerate(steps, 1):
            _run(step, f"[{number}/{len(steps)}]", full)
        with Ledger.open(home) as ledger:
            is_below, said = training_tour.verdict(ledger)
    say("")
    report = training_tour.report_of(home)
    say(f"Done in {time.perf_counter() - started:.0f} s. The report: {report}")
    click.echo(said)
    return 0 if is_below else 1


def _new_folder(parent: Path) -> Path:
    number = 1
    while (parent / f"{number:04d}").exists():
        number += 1
    return parent / f"{number:04d}"


@contextlib.contextmanager
def _working_in(home: Path) -> Iterator[None]:
    """Work in the demo's folder as the demo's actor, and leave both as they were."""
    before = os.environ.copy()
    os.environ["LEDGER_ACTOR"] = "human:demo"
    os.environ.pop("LEDGER_DIR", None)
    try:
        with contextlib.chdir(home):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _run(step: tour.Step, number: str, full: bool) -> None:
    from ledger.cli import run

    say("")
    say(click.style(f"{number} {step.why}", bold=True))
    say(click.style(f"$ {step.line}", fg="cyan"))
    answer = io.StringIO()
    with contextlib.redirect_stdout(answer):
        code = run(list(step.words))
    lines = answer.getvalue().rstrip("\n").splitlines()
    cut = len(lines) if full or not step.is_long else _SHOWN
    for line in lines[:cut]:
        click.echo(line)
    if len(lines) > cut:
        say(f"… {len(lines) - cut} more lines")
    if code != step.expected:
        raise ExecutorFailed(
            f"the step ended with {code}, not {step.expected}", hint="the lines above say why"
        )


def _tampered(home: Path, number: str) -> None:
    """Change one byte of a copy, and let the audit name the entry."""
    copy = home / "tampered" / ".ledger"
    if copy.parent.exists():
        shutil.rmtree(copy.parent)
    offset = tour.tamper(home / ".ledger", copy)
    step = tour.Step(
        f"Change byte {offset} of a copy's journal. The audit names the entry and ends with 6.",
        ("audit", "--ledger", "tampered"),
        expected=6,
    )
    _run(step, number, True)
