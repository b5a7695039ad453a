"""`ledger run trace`: one pass of a model over a prompt, recorded point by point."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from executors import base
from executors.tracing.options import look_options, pass_options, prompt_options
from executors.tracing.prompt import read_prompt
from executors.tracing.recording import measure, record_table, record_tensors, trace_table

if TYPE_CHECKING:
    from ml.devices import DeviceChoice
    from ml.tracing import Trace

_KEPT_IDS: Final = 4096
_EXAMPLES: Final = (
    "Examples:\n\n\b\n  ledger run trace model.gguf --prompt 'hello the'\n"
    "  ledger run trace model.gguf --ids 319,75,75,78 --engine numpy --logits-out logits.npy\n"
    "  ledger run trace model-Q4_K_M.gguf --prompt 'hello the' --engine b --activation q8\n"
    "  ledger run trace model.gguf --ids-file ids.json --points 'q_*,output' --rows last\n"
    "  ledger run trace model.gguf --prompt 'hello' --generate 64 --every 8\n"
    "  ledger run trace model.gguf --prompt 'hello' --device cuda:0 --json"
)


@attrs.frozen(slots=True, kw_only=True)
class Asked:
    """What a trace was asked for, besides model and prompt."""

    engine: str
    device: str
    kv: str
    activation: str = "none"
    batching: str = "prefill"
    points: tuple[str, ...] | None = None
    rows: str = "all"
    generate: int = 0
    every: int = 1
    tensors: bool = False


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@prompt_options
@pass_options
@look_options
@click.option(
    "--tensors",
    is_flag=True,
    help="Keep the full activations too, a blob for each point and layer.",
)
@click.option(
    "--logits-out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the last token's logits here, as a float32 .npy file.",
)
@base.ledger_option
@base.json_option
def trace(
    model: Path,
    ids: str | None,
    ids_file: Path | None,
    prompt: str | None,
    bos: bool,
    points: tuple[str, ...],
    batching: str | None,
    logits_out: Path | None,
    ledger_dir: str | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - the fields of Asked that are options as they are
) -> None:
    """Trace MODEL over a prompt and record statistics at each capture point and layer.

    The table shows each point over all rows that were chosen and over the last of them alone, from
    the same pass.
    """
    names = _points(points)
    if batching is None:
        batching = "one-by-one" if asked["generate"] else "prefill"
    with base.open_ledger(ledger_dir) as ledger:
        tokens = read_prompt(model, ids, ids_file, prompt, bos=bos)
        run, traced = record_trace(
            ledger,
            model,
            tokens,
            logits_out=logits_out,
            batching=batching.replace("-", " "),
            points=names,
            **asked,
        )
        base.print_table(trace_table(traced), "json" if as_json else "table")
        top = ", ".join(f"{token} ({logit:.4f})" for token, logit in traced.top(5))
        base.say(f"{run}: {len(tokens)} tokens on {traced.environment['device_observed']}")
        if traced.generated:
            base.say(f"generated: {','.join(map(str, traced.generated))}")
        base.say(f"largest logits: {top}")


def _points(given: Iterable[str]) -> tuple[str, ...] | None:
    names = tuple(name.strip() for each in given for name in each.split(",") if name.strip())
    return names or None


def record_trace(
    ledger: base.Ledger,
    model: Path,
    tokens: list[int],
    *,
    logits_out: Path | None = None,
    **options: Any,  # noqa: ANN401 - the fields of Asked
) -> tuple[str, "Trace"]:
    """Trace and record; returns the run's name and the trace. `options` are fields of `Asked`.

    Raises `BadArguments` before a run begins, `ExecutorFailed` for a run that failed.
    """
    from ml.tracing import trace as run_trace

    asked = Asked(**options)
    facts, choice = _facts(model, tokens, asked)
    with base.progress("tracing") as report, base.start(ledger, "trace", facts) as run:
        if isinstance(choice, base.LedgerError):
            raise choice
        with base.ml_errors():
            traced = run_trace(
                model,
                tokens,
                keep_tensors=asked.tensors,
                progress=lambda _stage, done, total: report(done, total),
                **attrs.asdict(asked, filter=attrs.filters.exclude("tensors")),
            )
        if logits_out is not None:
            _write_logits(logits_out, traced)
        record_table(run, traced, "measured")
        if asked.tensors:
            record_tensors(run, traced)
        measure(run, traced)
        return run.name, traced


def _facts(
    model: Path, tokens: list[int], asked: Asked
) -> "tuple[base.Facts, DeviceChoice | base.LedgerError]":
    """What `run.started` says. A device that is not there is a fact too: it fails the run."""
    from ml import devices, identity, rows, tracing
    from ml.architectures import open_model
    from ml.environment import environment

    with base.bad_input():
        opened = open_model(model)
        tracing.check(
            opened,
            tokens,
            **attrs.asdict(
                asked, filter=attrs.filters.exclude("tensors", "device", "rows", "every")
            ),
        )
        rows.select_with_generated(asked.rows, len(tokens), asked.generate, asked.every)
        devices.parse(asked.device)
    choice = _choose(asked)
    found = None if isinstance(choice, base.LedgerError) else choice
    facts: base.Facts = {
        "provenance": "measured",
        "arguments": {
            **attrs.asdict(asked),
            "model": model.name,
            # The prompt itself, so that the run can be repeated; beyond this only its digest.
            "ids": list(tokens) if len(tokens) <= _KEPT_IDS else None,
        },
        "inputs": {
            "model": f"sha256:{opened.container.digest()}",
            "tokens": f"sha256:{identity.tokens_sha256(tokens)}",
        },
        "model": {
            "name": model.stem,
            "architecture": opened.config.architecture,
            "container": opened.container.format,
            "size_bytes": opened.container.size_bytes,
            "parameters": opened.parameter_count,
        },
        "device_asked": asked.device,
        "device_observed": found.observed if found else None,
        "device_reason": found.reason if found else str(choice),
        "dtype": found.dtype if found else None,
        "dtype_reason": found.dtype_reason if found else None,
        "compiler": found.compiler if found else None,
        "environment": dict(environment(found)) if found else {},
    }
    return facts, choice


def _choose(asked: Asked) -> "DeviceChoice | base.LedgerError":
    """The device, or why there is none."""
    from ml import devices
    from ml.engines import find_engine

    try:
        with base.ml_errors():
            has_devices = find_engine(asked.engine).uses_tinygrad
            return (devices.resolve if has_devices else devices.resolve_host)(asked.device)
    except base.ExecutorFailed as error:
        return error


def _write_logits(path: Path, traced: "Trace") -> None:
    import numpy as np

    try:
        with path.open("wb") as file:
            np.save(file, traced.logits)
    except OSError as error:
        raise base.BadArguments(
            f"cannot write {path}: {error.strerror}", hint="choose another --logits-out"
        ) from error
