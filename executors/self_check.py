"""`ledger run self-check`: the same ids in one batch and one by one, through one engine."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.tracing.options import pass_options, prompt_options
from executors.tracing.prompt import read_prompt
from executors.tracing.recording import number

if TYPE_CHECKING:
    from ml.self_check import SelfCheck

CONTRACT: Final = "self-check/1"


@click.command(
    "self-check",
    epilog="Examples:\n\n\b\n  ledger run self-check model.gguf --prompt 'hello the'\n"
    "  ledger run self-check model.gguf --ids-file ids.json --engine b --kv f16\n"
    "  ledger run self-check model.gguf --prompt hello --device cuda:0 --json",
)
@click.argument("model", type=click.Path(path_type=Path))
@prompt_options
@pass_options
@base.ledger_option
@base.json_option
def self_check(
    model: Path,
    ids: str | None,
    ids_file: Path | None,
    prompt: str | None,
    bos: bool,
    ledger_dir: str | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - what a pass is computed by
) -> int:
    """Compute the same ids of MODEL at once and one by one, and compare every point.

    A cache slot that is stale, a mask that is off by one, a position counted anew: each shows as a
    distance behind it. Exit code 1 where a point is over the bar that rounding explains, or another
    token is the likeliest and that is no near tie.
    """
    with base.open_ledger(ledger_dir) as ledger:
        tokens = read_prompt(model, ids, ids_file, prompt, bos=bos)
        run, checked = record_self_check(ledger, model, tokens, **asked)
    rows = tuple((p.layer, p.point, p.distance, p.row) for p in checked.points)
    base.print_table(
        base.Table(("layer", "point", "distance", "row"), rows), "json" if as_json else "table"
    )
    base.say(f"{run}: {_sentence(checked)}")
    for one in checked.argmax_differences:
        tie = "a near tie" if one.is_near_tie else "decided"
        base.say(
            f"  token {one.position}: likeliest {one.prefill} at once and {one.one_by_one} "
            f"one by one, margin {one.margin:.3g}: {tie}"
        )
    return 0 if checked.agrees else 1


def record_self_check(
    ledger: base.Ledger,
    model: Path,
    tokens: list[int],
    **asked: Any,  # noqa: ANN401 - what a pass is computed by
) -> "tuple[str, SelfCheck]":
    """Check and record; returns the run's name and the check.

    Raises `BadArguments` before a run begins, `ExecutorFailed` for a run that failed.
    """
    from ml import identity
    from ml.architectures import open_model
    from ml.self_check import self_check as check_itself
    from ml.tracing import check

    with base.bad_input():
        opened = open_model(model)
        passed = {name: asked[name] for name in ("engine", "kv", "activation")}
        check(opened, tokens, batching="prefill", generate=0, points=None, **passed)
    names = {
        "model": f"sha256:{opened.container.digest()}",
        "tokens": f"sha256:{identity.tokens_sha256(tokens)}",
    }
    facts: base.Facts = {
        "arguments": {"model": model.name, **asked},
        "inputs": names,
        "device_asked": asked["device"],
    }
    with base.progress("checking") as report, base.start(ledger, "self-check", facts) as run:
        with base.ml_errors():
            checked = check_itself(
                model, tokens, progress=lambda _stage, done, total: report(done, total), **asked
            )
        key = {"contract": CONTRACT, **names, **{name: str(asked[name]) for name in sorted(asked)}}
        decided = sum(not one.is_near_tie for one in checked.argmax_differences)
        run.measure("self_check_distance", number(checked.largest.distance), "ratio", key)
        run.measure("self_check_bar", checked.bar, "ratio", key)
        run.measure("self_check_decided_argmax_differences", decided, "count", key)
        return run.name, checked


def _sentence(checked: "SelfCheck") -> str:
    first, largest = checked.first_over, checked.largest
    if first is not None:
        where = first.point if first.layer is None else f"layer {first.layer}, {first.point}"
        return (
            f"the two ways part at {where}, token {first.row}: {first.distance:.3g}, "
            f"and {checked.bar:g} is explained"
        )
    said = f"largest distance {largest.distance:.3g}, within {checked.bar:g}"
    return said if checked.agrees else f"{said}, and yet another token is the likeliest"
