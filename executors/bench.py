"""`ledger run bench`: tokens a second, time to the first token, memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from executors import base
from executors.quality.starting import begin, open_file, settings_key, settings_of
from executors.tracing.options import pass_options

if TYPE_CHECKING:
    from ml.passes import Settings
    from ml.quality.speed import Plan, Speed

CONTRACT: Final = "bench/1"


@click.command(
    epilog="Examples:\n\n\b\n  ledger run bench model.gguf\n"
    "  ledger run bench model-Q4_K_M.gguf --engine b --activation q8 --repeats 10\n"
    "  ledger run bench model.gguf --prompt-tokens 512 --decode-tokens 128 --device cuda:0 --json"
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--prompt-tokens", type=click.IntRange(min=1), default=128, show_default=True,
    help="Length of the prompt.",
)  # fmt: skip
@click.option(
    "--decode-tokens", type=click.IntRange(min=1), default=32, show_default=True,
    help="Tokens that are decoded behind it.",
)  # fmt: skip
@click.option(
    "--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="Tries that count."
)
@click.option(
    "--warmups", type=click.IntRange(min=0), default=1, show_default=True,
    help="Tries before them, which compile kernels.",
)  # fmt: skip
@pass_options
@base.ledger_option
@base.json_option
def bench(
    model: Path,
    prompt_tokens: int,
    decode_tokens: int,
    repeats: int,
    warmups: int,
    ledger_dir: str | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - what a pass is computed by
) -> None:
    """Time MODEL: prefill and decoding in tokens a second, the first token, memory.

    Each number is the median of the tries after warm-up, with the smallest and the largest beside
    it. The device is the one observed.
    """
    from ml.quality.speed import Plan

    plan = Plan(
        prompt_tokens=prompt_tokens, decode_tokens=decode_tokens, repeats=repeats, warmups=warmups
    )
    with base.open_ledger(ledger_dir) as ledger:
        run, speed = record_bench(ledger, model, settings_of(asked), plan)
    rows = tuple(row[1:] for row in _rows(speed))
    columns = ("quantity", "unit", "median", "smallest", "largest", "n")
    base.print_table(base.Table(columns, rows), "json" if as_json else "table")
    base.say(
        f"{run}: {plan.prompt_tokens} tokens of prompt, {plan.decode_tokens} decoded, "
        f"on {speed.device}; loading took {speed.load_seconds:.3g} s"
    )


def record_bench(
    ledger: base.Ledger, path: Path, settings: "Settings", plan: "Plan"
) -> "tuple[str, Speed]":
    """Time and record; returns the run's name and the speed.

    Raises `BadArguments` before a run begins, `ExecutorFailed` for a run that failed.
    """
    from ml.quality.settings import request_for
    from ml.quality.speed import measure_speed

    opened = open_file(path)
    with base.bad_input():
        plan.check(opened)
        request_for(opened, settings)
    arguments = {"model": path.name, **attrs.asdict(plan)}
    beginning = begin({"model": opened}, settings, arguments=arguments, inputs={})
    with base.progress("timing") as report, base.start(ledger, "bench", beginning.facts) as run:
        beginning.check_device()
        with base.ml_errors():
            speed = measure_speed(
                opened,
                settings,
                plan,
                progress=lambda _stage, done, total: report(done, total),
            )
        key = {
            "contract": CONTRACT,
            "model": f"sha256:{opened.container.digest()}",
            **attrs.asdict(plan),
            **settings_key(settings, speed.device),
            **_machine(beginning.facts),
        }
        for metric, _, unit, median, low, high, n in _rows(speed):
            own = {**key, "n": n}
            run.measure(metric, median, unit, own)
            if n > 1:
                run.measure(f"{metric}_smallest", low, unit, own)
                run.measure(f"{metric}_largest", high, unit, own)
        return run.name, speed


def _machine(facts: base.Facts) -> dict[str, str]:
    """What a time depends on besides the model, as far as it was recorded."""
    known = facts["environment"]
    names = ("machine", "system", "threads", "driver", "compiler", "tinygrad")
    return {name: str(known[name]) for name in names if known.get(name)}


def _rows(speed: "Speed") -> Iterator[tuple[str, str, str, float, float, float, int]]:
    """Metric, name in words, unit, median, smallest, largest, tries."""
    for metric, name, unit, timed in (
        ("prefill_tokens_per_second", "prefill", "tokens/s", speed.prefill),
        ("decode_tokens_per_second", "decode", "tokens/s", speed.decode),
        ("time_to_first_token", "first token", "ms", speed.first_token),
    ):
        tries = timed.tries
        yield metric, name, unit, timed.median, min(tries), max(tries), len(tries)
    size = speed.peak_bytes
    yield "peak_memory", "peak memory", "bytes", size, size, size, 1
