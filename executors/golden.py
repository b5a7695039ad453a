"""`ledger run golden`: outputs of a model that are kept in a file, and held against it later."""

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from executors import base
from executors.quality.starting import begin, open_file, settings_key, settings_of
from executors.tracing.options import pass_options
from executors.tracing.prompt import open_tokenizer, read_prompt

if TYPE_CHECKING:
    from ml.architectures import Model
    from ml.generation import Generation
    from ml.generation.golden import Outcome
    from ml.passes import Settings

CONTRACT: Final = "golden/1"
_COLUMNS: Final = ("case", "verdict", "tokens", "step", "expected", "found", "margin", "drift")


@click.command(
    epilog="Examples:\n\n\b\n"
    "  ledger run golden model.gguf golden.json --make --prompt 'hello the' --prompt 'def fib('\n"
    "  ledger run golden model.gguf golden.json\n"
    "  ledger run golden model-Q4_K_M.gguf golden.json --another-model --engine b --json",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--make/--check",
    default=False,
    help="Write FILE from what the model makes of the prompts, or hold it against FILE (default).",
)
@click.option("--prompt", "prompts", multiple=True, help="With --make: a prompt; repeatable.")
@click.option("--ids", multiple=True, metavar="N,N,…", help="With --make: the same as token ids.")
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="With --make: tokens of each case.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    help="How far logits of sound paths differ: a choice with a margin of at most twice that is a "
    "near tie (else what FILE says; 0.01 with --make).",
)
@click.option("--another-model", is_flag=True, help="Check another file than FILE was made with.")
@pass_options
@base.ledger_option
@base.json_option
def golden(
    model: Path,
    file: Path,
    make: bool,
    prompts: tuple[str, ...],
    ids: tuple[str, ...],
    max_tokens: int,
    tolerance: float | None,
    another_model: bool,
    ledger_dir: str | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - what a pass is computed by
) -> int:
    """Make golden outputs of MODEL in FILE, or hold MODEL against them.

    Decoding is greedy. A case ends at the first token that differs, which is a near tie where the
    choice was not decided. Exit code 1 where a token differs that was decided.
    """
    settings = settings_of(asked)
    with base.open_ledger(ledger_dir) as ledger:
        opened = open_file(model)
        if make:
            tokens = [read_prompt(model, None, None, text, bos=False) for text in prompts]
            tokens += [read_prompt(model, text, None, None, bos=False) for text in ids]
            if not tokens:
                raise base.BadArguments("--make needs prompts", hint="--prompt 'hello the'")
            run, count = make_golden(
                ledger, opened, model, file, tokens, settings, max_tokens, tolerance
            )
            base.say(f"{run}: {count} cases in {file}")
            return 0
        if prompts or ids:
            raise base.BadArguments("prompts go with --make", hint="FILE has its own prompts")
        run, outcomes = check_golden(
            ledger, opened, model, file, settings, tolerance, another=another_model
        )
    base.print_table(_table(outcomes), "json" if as_json else "table")
    bad = sum(one.verdict == "differs" for one in outcomes)
    ties = sum(one.verdict == "near tie" for one in outcomes)
    base.say(f"{run}: {len(outcomes)} cases, {bad} differ, {ties} part at a near tie")
    return 1 if bad else 0


def make_golden(
    ledger: base.Ledger,
    opened: "Model",
    path: Path,
    file: Path,
    prompts: list[list[int]],
    settings: "Settings",
    max_tokens: int,
    tolerance: float | None,
) -> tuple[str, int]:
    """Generate, record, and write the file; returns the run's name and how many cases it has."""
    from ml.generation import golden as goldens

    allowed = goldens.DEFAULT_TOLERANCE if tolerance is None else tolerance
    with _begun(ledger, opened, path, prompts, settings, {"make": True}) as (run, generate):
        made = [generate(prompt, max_tokens) for prompt in prompts]
        found = goldens.Golden(
            model=opened.container.digest(),
            path={**attrs.asdict(settings), "device": made[0].device},
            tolerance=allowed,
            cases=tuple(map(goldens.case_of, made)),
        )
        data = goldens.format_golden(found)
        try:
            file.write_bytes(data)
        except OSError as error:
            raise base.BadArguments(
                f"cannot write {file}: {error.strerror}", hint="choose another FILE"
            ) from error
        key = _key(opened, settings, made[0].device, data)
        run.measure("golden_cases", len(made), "count", key)
        smallest = min(margin for one in made for margin in one.margins)
        run.measure("smallest_margin", smallest, "logit", key)
        return run.name, len(made)


def check_golden(
    ledger: base.Ledger,
    opened: "Model",
    path: Path,
    file: Path,
    settings: "Settings",
    tolerance: float | None,
    *,
    another: bool,
) -> "tuple[str, list[Outcome]]":
    """Generate anew, compare, and record; returns the run's name and an outcome a case."""
    from ml.generation import golden as goldens

    with base.bad_input():
        held = goldens.read_golden(file)
    if not another and held.model != opened.container.digest():
        raise base.BadArguments(
            f"{file.name} was made with another model than {path.name}",
            hint="give --another-model to hold it against this one all the same",
        )
    allowed = held.tolerance if tolerance is None else tolerance
    prompts = [list(case.prompt) for case in held.cases]
    with _begun(ledger, opened, path, prompts, settings, {"make": False}) as (run, generate):
        made = [generate(case.prompt, len(case.ids)) for case in held.cases]
        outcomes = [
            goldens.hold_against(case, one, allowed)
            for case, one in zip(held.cases, made, strict=True)
        ]
        key = {
            **_key(opened, settings, made[0].device, goldens.format_golden(held)),
            "tolerance": str(allowed),
        }
        for verdict, metric in (
            ("same", "golden_same"), ("near tie", "golden_near_ties"), ("differs", "golden_differ"),
        ):  # fmt: skip
            count = sum(one.verdict == verdict for one in outcomes)
            run.measure(metric, count, "count", key)
        run.measure("golden_drift", max(one.drift for one in outcomes), "logit", key)
        return run.name, outcomes


@contextlib.contextmanager
def _begun(
    ledger: base.Ledger,
    opened: "Model",
    path: Path,
    prompts: list[list[int]],
    settings: "Settings",
    arguments: dict[str, Any],
) -> "Iterator[tuple[base.Run, Callable[[Sequence[int], int], Generation]]]":
    """A run, and what generates greedily in it."""
    from ml import identity
    from ml.generation import open_generator
    from ml.prompts import check_ids

    with base.bad_input():
        for prompt in prompts:
            check_ids(prompt, opened.config)
    together = [token for prompt in prompts for token in prompt]
    names = {"tokens": f"sha256:{identity.tokens_sha256(together)}"}
    beginning = begin(
        {"model": opened}, settings, arguments={"model": path.name, **arguments}, inputs=names
    )
    tokenizer = open_tokenizer(path, needed=False)
    with (
        base.progress("generating") as report,
        base.start(ledger, "golden", beginning.facts) as run,
    ):
        beginning.check_device()
        with base.ml_errors(), open_generator(opened, **attrs.asdict(settings)) as generator:
            done = itertools.count(1)

            def generate(prompt: Sequence[int], most: int) -> "Generation":
                """Continue a prompt by so many tokens."""
                made = generator.generate(prompt, max_tokens=most, tokenizer=tokenizer)
                report(next(done), len(prompts))
                return made

            yield run, generate


def _key(opened: "Model", settings: "Settings", device: str, data: bytes) -> dict[str, str]:
    return {
        "contract": CONTRACT,
        "model": f"sha256:{opened.container.digest()}",
        "golden": f"sha256:{hashlib.sha256(data).hexdigest()}",
        **settings_key(settings, device),
    }


def _table(outcomes: "list[Outcome]") -> base.Table:
    rows = tuple(
        (i, one.verdict, one.tokens, one.step, one.expected, one.found, one.margin, one.drift)
        for i, one in enumerate(outcomes)
    )
    return base.Table(_COLUMNS, rows)
