"""`ledger run pass-at-k`: how often a model solves code problems, after a control."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from executors import base
from executors.quality.starting import begin, open_file, settings_key, settings_of
from executors.tracing.options import pass_options
from executors.tracing.recording import number

if TYPE_CHECKING:
    from ml.architectures import Model
    from ml.code_problems.control import Control
    from ml.code_problems.execution import Limits
    from ml.code_problems.problems import ProblemSet
    from ml.code_problems.samples import Samples, SampleSet
    from ml.code_problems.scoring import Scores
    from ml.passes import Settings

CONTRACT: Final = "pass_at_k/1"


@attrs.frozen(slots=True, kw_only=True)
class Asked:
    """What is drawn and estimated."""

    n: int
    ks: tuple[int, ...]
    temperature: float
    top_p: float
    seed: int
    max_tokens: int
    jobs: int


@attrs.frozen(slots=True, kw_only=True)
class Judged:
    """Whose samples are judged: a model's, or those of a file."""

    problems: "ProblemSet"
    control: "ProblemSet"
    path: Path | None
    model: "Model | None"
    sampled: "SampleSet | None"
    settings: "Settings"
    limits: "Limits"

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of files, by role."""
        found = {"problems": f"sha256:{self.problems.sha256}"}
        if self.control.sha256 != self.problems.sha256:
            found["control"] = f"sha256:{self.control.sha256}"
        if self.sampled is not None:
            found["samples"] = f"sha256:{self.sampled.sha256}"
        return found


@click.command(
    "pass-at-k",
    epilog="Examples:\n\n\b\n  ledger run pass-at-k model.gguf problems.jsonl\n"
    "  ledger run pass-at-k model.gguf problems.jsonl --n 20 --k 1 --k 10 --temperature 0.8\n"
    "  ledger run pass-at-k problems.jsonl --samples samples.jsonl --json",
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[MODEL] PROBLEMS")
@click.option("--samples", type=click.Path(path_type=Path), help="Candidates from a JSONL file.")
@click.option("--n", type=click.IntRange(min=1), default=1, show_default=True, help="Samples each.")
@click.option(
    "--k", "ks", type=click.IntRange(min=1), multiple=True, help="Tries to estimate (else 1)."
)
@click.option(
    "--control",
    type=click.Path(path_type=Path),
    help="Problems with canonical solutions that run first (else PROBLEMS).",
)
@click.option("--temperature", type=float, default=0.0, show_default=True, help="0 is greedy.")
@click.option("--top-p", type=float, default=1.0, show_default=True, help="Keep this much.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draws.")
@click.option("--max-tokens", type=click.IntRange(min=1), default=512, show_default=True,
              help="Tokens of a sample, at the most.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(min=0.1), default=10.0, show_default=True,
              help="Time of a candidate with its tests.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True,
              help="Candidates that run at a time.")  # fmt: skip
@pass_options
@base.ledger_option
@base.json_option
def pass_at_k(
    files: tuple[Path, ...],
    samples: Path | None,
    ks: tuple[int, ...],
    control: Path | None,
    seconds: float,
    ledger_dir: str | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - the fields of Asked, and what a pass is computed by
) -> None:
    """Let MODEL solve the PROBLEMS of a JSONL file, and estimate pass@k.

    First the control: canonical solutions must all pass, and broken ones all fail, or nothing is
    judged. Candidates run in a process with limits of time, memory, files and processes, without
    network where the kernel allows it. They are other people's programs all the same: run them
    where nothing of value lies.
    """
    settings = settings_of(asked)
    wanted = {name: asked[name] for name in attrs.fields_dict(Asked) if name != "ks"}
    options = Asked(ks=tuple(sorted(set(ks or (1,)))), **wanted)
    with base.open_ledger(ledger_dir) as ledger:
        judged = _read(files, samples, control, settings, seconds)
        options = _check(options, judged)
        run, scores, controlled = record_pass_at_k(ledger, judged, options)
    base.print_table(_table(scores, options), "json" if as_json else "table")
    told = ", ".join(f"{count} {result}" for result, count in scores.results.items())
    base.say(f"{run}: {len(scores.right)} problems, {scores.n} samples each: {told}")
    held = ", ".join(controlled.measures) or "none of the measures of the kernel"
    base.say(f"control: {controlled.canonical_passed} of {controlled.problems} right; {held}")


def _read(
    files: tuple[Path, ...],
    samples: Path | None,
    control: Path | None,
    settings: "Settings",
    seconds: float,
) -> Judged:
    """Read every file. Raises `BadArguments` or `Malformed`."""
    from ml.code_problems.execution import Limits
    from ml.code_problems.problems import read_problems
    from ml.code_problems.samples import read_samples

    if len(files) != (2 if samples is None else 1):
        raise base.BadArguments(
            "give MODEL and PROBLEMS, or PROBLEMS and --samples",
            hint="ledger run pass-at-k model.gguf problems.jsonl",
        )
    with base.bad_input():
        problems = read_problems(files[-1])
        return Judged(
            problems=problems,
            control=problems if control is None else read_problems(control),
            path=None if samples is not None else files[0],
            model=None if samples is not None else open_file(files[0]),
            sampled=None if samples is None else read_samples(samples, problems),
            settings=settings,
            limits=Limits(seconds=seconds, cpu_seconds=max(1, round(seconds))),
        )


def _check(asked: Asked, judged: Judged) -> Asked:
    """Return what is asked, n as drawn; raise `BadArguments` for what says nothing."""
    from ml.code_problems.estimator import pass_at_k as estimate
    from ml.generation import make_sampler
    from ml.tokenizer import Tokenizer

    if judged.sampled is not None:
        drawn = len(next(iter(judged.sampled.samples.values())))
        asked = attrs.evolve(asked, n=drawn)
    elif asked.n > 1 and asked.temperature == 0:
        raise base.BadArguments(
            f"{asked.n} samples at temperature 0 are one sample, {asked.n} times",
            hint="give a --temperature above 0, or --n 1",
        )
    with base.bad_input():
        if judged.path is not None:
            Tokenizer.from_gguf(judged.path)
        make_sampler(temperature=asked.temperature, top_p=asked.top_p, seed=asked.seed)
        for k in asked.ks:
            estimate(asked.n, 0, k)
    missing = [p for p in judged.control.problems if p.canonical_solution is None]
    if missing:
        raise base.BadArguments(
            f"{len(missing)} problems have no canonical_solution, such as {missing[0].task_id!r}",
            hint="give problems with known answers as --control: the harness is tried first",
        )
    return asked


def record_pass_at_k(
    ledger: base.Ledger, judged: Judged, asked: Asked
) -> "tuple[str, Scores, Control]":
    """Control, draw, run and record; returns the run's name and what was found.

    Raises `ExecutorFailed` for a run that failed: also where the control does not hold.
    """
    from ml.code_problems.scoring import score

    models = {} if judged.model is None else {"model": judged.model}
    arguments = {**attrs.asdict(asked), "ks": list(asked.ks), "seconds": judged.limits.seconds}
    beginning = begin(
        models, judged.settings, arguments=arguments, inputs=judged.inputs, seed=asked.seed
    )
    with base.start(ledger, "pass-at-k", beginning.facts) as run:
        beginning.check_device()
        controlled = _control(run, judged)
        with base.ml_errors():
            samples, device = _samples(judged, asked)
            with base.progress("running candidates") as report:
                problems = judged.problems.problems
                scores = score(problems, samples, judged.limits, jobs=asked.jobs, progress=report)
        _measure(run, judged, asked, scores, device)
        return run.name, scores, controlled


def _harness(judged: Judged) -> dict[str, str]:
    """What judges: a control and what it allows have the same."""
    import platform

    from ml.code_problems.execution import harness_digest

    return {
        "contract": CONTRACT,
        "harness": f"sha256:{harness_digest(judged.limits)}",
        "python": platform.python_version(),
    }


def _control(run: base.Run, judged: Judged) -> "Control":
    """Run the control and record it; raise `ExecutorFailed` where it does not hold."""
    from ml.code_problems.control import control

    problems = judged.control.problems
    with base.ml_errors(), base.progress("control") as report:
        found = control(problems, judged.limits, report)
    key = {
        **_harness(judged),
        "problems": f"sha256:{judged.control.sha256}",
        "n": found.problems,
    }
    run.measure("known_pass_rate", found.canonical_passed / found.problems, "share", key)
    run.measure("broken_pass_rate", found.broken_passed / found.problems, "share", key)
    if not found.holds:
        shown = "; ".join(found.wrong[:5]) + ("; …" if len(found.wrong) > 5 else "")
        raise base.ExecutorFailed(
            f"the control does not hold: {shown}",
            hint="mend the problems or the harness first: nothing was judged",
        )
    return found


def _samples(judged: Judged, asked: Asked) -> "tuple[Samples, str]":
    """The candidates, and the device they were generated on."""
    from ml.code_problems.problems import Problem
    from ml.code_problems.samples import STOPS, draw
    from ml.generation import Stop, make_sampler, open_generator
    from ml.tokenizer import Tokenizer

    if judged.sampled is not None:
        return judged.sampled.samples, "none: samples of a file"
    assert judged.model is not None
    assert judged.path is not None
    tokenizer = Tokenizer.from_gguf(judged.path)
    settings = judged.settings
    with (
        open_generator(judged.model, **attrs.asdict(settings)) as generator,
        base.progress("generating") as report,
    ):

        def complete(problem: Problem, i: int) -> str:
            sampler = make_sampler(
                temperature=asked.temperature,
                top_p=asked.top_p,
                seed=sample_seed(asked.seed, problem.task_id, i),
            )
            made = generator.generate(
                tokenizer.encode(problem.prompt),
                sampler=sampler,
                max_tokens=asked.max_tokens,
                stop=Stop(texts=STOPS),
                tokenizer=tokenizer,
            )
            return made.text or ""

        samples = draw(judged.problems.problems, asked.n, complete, report)
        return samples, generator.device.observed


def sample_seed(seed: int, task_id: str, i: int) -> int:
    """The seed of one sample: its own, whatever other problems there are."""
    digest = hashlib.sha256(f"{seed}\0{task_id}\0{i}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def _measure(run: base.Run, judged: Judged, asked: Asked, scores: "Scores", device: str) -> None:
    key: dict[str, Any] = {
        **_harness(judged),
        "problems": f"sha256:{judged.problems.sha256}",
        "n": len(scores.right),
        "samples_each": scores.n,
    }
    if judged.model is not None:
        key |= {"model": f"sha256:{judged.model.container.digest()}"}
        key |= {"temperature": asked.temperature, "top_p": asked.top_p, "seed": asked.seed}
        key |= {"max_tokens": asked.max_tokens, **settings_key(judged.settings, device)}
    if judged.sampled is not None:
        key["samples"] = f"sha256:{judged.sampled.sha256}"
    for k in asked.ks:
        found = scores.estimate(k)
        run.measure(f"pass_at_{k}", number(found.value), "share", key)
        for side, end in zip(("low", "high"), found.interval or (), strict=False):
            by = {**key, "interval": f"95 %, {found.interval_by}"}
            run.measure(f"pass_at_{k}_{side}", end, "share", by)


def _table(scores: "Scores", asked: Asked) -> base.Table:
    rows = []
    for k in asked.ks:
        found = scores.estimate(k)
        low, high = found.interval or (None, None)
        by = found.interval_by if found.interval else None
        rows.append((f"pass@{k}", found.value, low, high, by, len(scores.right), scores.n))
    columns = ("quantity", "value", "low", "high", "interval", "problems", "samples_each")
    return base.Table(columns, tuple(rows))
