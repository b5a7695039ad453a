"""`ledger run trace`: one pass of a model over a prompt, recorded point by point."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from executors import base

if TYPE_CHECKING:
    from ml.devices import DeviceChoice
    from ml.imported_traces import ImportedTrace
    from ml.statistics import Statistics
    from ml.tracing import Trace

CONTRACT: Final = "trace/1"
_KEPT_IDS: Final = 4096
_EXAMPLES: Final = (
    "Examples:\n\n\b\n  ledger run trace model.gguf --prompt 'hello the'\n"
    "  ledger run trace model.gguf --ids 319,75,75,78 --engine numpy --logits-out logits.npy\n"
    "  ledger run trace model-Q4_K_M.gguf --prompt 'hello the' --engine b --activation q8\n"
    "  ledger run trace model.gguf --prompt 'hello' --device cuda:0 --json"
)


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--ids", metavar="N,N,…", help="The prompt as token ids.")
@click.option("--prompt", help="The prompt as text, encoded by the model's own vocabulary.")
@click.option(
    "--engine",
    default="a",
    show_default=True,
    help="a: tinygrad with dequantised weights; b: tinygrad with packed integer weights; "
    "numpy: the float64 reference.",
)
@click.option(
    "--activation",
    type=click.Choice(("none", "q8")),
    default="none",
    show_default=True,
    help="Quantise activations before each product, as llama.cpp does (engine b).",
)
@click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, cuda:N, or auto to choose."
)
@click.option(
    "--kv",
    type=click.Choice(("f32", "f16")),
    default="f32",
    show_default=True,
    help="Type in which keys and values are kept.",
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
    prompt: str | None,
    engine: str,
    activation: str,
    device: str,
    kv: str,
    logits_out: Path | None,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Trace MODEL over a prompt and record statistics at each capture point and layer.

    The table shows each point over all tokens and over the last one alone, from the same pass.
    """
    with base.open_ledger(ledger_dir) as ledger:
        tokens = _prompt(model, ids, prompt)
        run, traced = record_trace(
            ledger,
            model,
            tokens,
            engine=engine,
            activation=activation,
            device=device,
            kv=kv,
            logits_out=logits_out,
        )
        base.print_table(_table(traced), "json" if as_json else "table")
        top = ", ".join(f"{token} ({logit:.4f})" for token, logit in traced.top(5))
        base.say(f"{run}: {len(tokens)} tokens on {traced.environment['device_observed']}")
        base.say(f"largest logits: {top}")


def _prompt(model: Path, ids: str | None, prompt: str | None) -> list[int]:
    """Token ids from --ids or --prompt. Raises `BadArguments`."""
    if (ids is None) == (prompt is None):
        raise base.BadArguments(
            "give the prompt as --ids or as --prompt", hint="--ids 319,75 or --prompt 'hello'"
        )
    if ids is not None:
        try:
            return [int(part) for part in ids.split(",")]
        except ValueError as error:
            raise base.BadArguments(
                f"--ids {ids!r} is not a list of numbers", hint="such as --ids 319,75,75,78"
            ) from error
    with base.bad_input():
        from ml.tokenizer import Tokenizer

        return list(Tokenizer.from_gguf(model).encode(prompt or ""))


def record_trace(
    ledger: base.Ledger,
    model: Path,
    tokens: list[int],
    *,
    engine: str,
    device: str,
    kv: str,
    activation: str = "none",
    logits_out: Path | None = None,
) -> tuple[str, "Trace"]:
    """Trace and record; returns the run's name and the trace.

    Raises `BadArguments` before a run begins, `ExecutorFailed` for a run that failed.
    """
    from ml.tracing import trace as run_trace

    facts, choice = _facts(
        model, tokens, engine=engine, activation=activation, device=device, kv=kv
    )
    with base.progress("tracing") as report, base.start(ledger, "trace", facts) as run:
        if isinstance(choice, base.LedgerError):
            raise choice
        with base.ml_errors():
            traced = run_trace(
                model,
                tokens,
                engine=engine,
                device=device,
                kv=kv,
                activation=activation,
                progress=lambda _stage, done, total: report(done, total),
            )
        if logits_out is not None:
            _write_logits(logits_out, traced)
        record_table(run, traced, "measured")
        _measure(run, traced)
        return run.name, traced


def _facts(
    model: Path, tokens: list[int], *, engine: str, activation: str, device: str, kv: str
) -> "tuple[base.Facts, DeviceChoice | base.LedgerError]":
    """What `run.started` says. A device that is not there is a fact too: it fails the run."""
    from ml import devices, identity
    from ml.architectures import open_model
    from ml.engines import choose_activation, find_engine
    from ml.environment import environment
    from ml.prompts import check_ids

    with base.bad_input():
        opened = open_model(model)
        check_ids(tokens, opened.config)
        chosen = find_engine(engine)
        choose_activation(chosen, activation)
        devices.parse(device)
    choice: DeviceChoice | base.LedgerError
    try:
        with base.ml_errors():
            resolve = devices.resolve if chosen.uses_tinygrad else devices.resolve_host
            choice = resolve(device)
    except base.ExecutorFailed as error:
        choice = error
    found = None if isinstance(choice, base.LedgerError) else choice
    facts: base.Facts = {
        "provenance": "measured",
        "arguments": {
            "engine": engine,
            "activation": activation,
            "device": device,
            "kv": kv,
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
        "device_asked": device,
        "device_observed": found.observed if found else None,
        "device_reason": found.reason if found else str(choice),
        "dtype": found.dtype if found else None,
        "dtype_reason": found.dtype_reason if found else None,
        "compiler": found.compiler if found else None,
        "environment": dict(environment(found)) if found else {},
    }
    return facts, choice


def _write_logits(path: Path, traced: "Trace") -> None:
    import numpy as np

    try:
        with path.open("wb") as file:
            np.save(file, traced.logits)
    except OSError as error:
        raise base.BadArguments(
            f"cannot write {path}: {error.strerror}", hint="choose another --logits-out"
        ) from error


def record_table(run: base.Run, traced: "Trace | ImportedTrace", provenance: str) -> None:
    """Record the table of a trace in as many parts as it needs."""
    from ml import identity
    from ml.statistics import COLUMNS

    blob = run.keep(traced.blob)
    points = [[p.point, p.layer, p.width, p.rows] for p in traced.points]
    all_rows = [_numbers(p.all) for p in traced.points]
    last_row = [_numbers(p.last) for p in traced.points]
    parts = base.split_rows(len(points), lambda i: [points[i], all_rows[i], last_row[i]])
    for part, rows in enumerate(parts):
        chosen = slice(rows.start, rows.stop)
        run.record(
            "trace.captured",
            {
                "provenance": provenance,
                "part": part,
                "parts": len(parts),
                "identity": {k: v for k, v in traced.identity.items() if k != "points"},
                "identity_digest": f"sha256:{identity.canonical_digest(dict(traced.identity))}",
                "path": dict(traced.path),
                "path_digest": f"sha256:{identity.canonical_digest(dict(traced.path))}",
                "columns": list(COLUMNS),
                "points": points[chosen],
                "all_rows": all_rows[chosen],
                "last_row": last_row[chosen],
                "kept_rows": list(traced.kept_rows),
                "blob": blob,
            },
        )


def _measure(run: base.Run, traced: "Trace") -> None:
    path, identity_ = traced.path, traced.identity
    key = {
        "contract": CONTRACT,
        "model": f"sha256:{path['model_sha256']}",
        "engine": path["engine"],
        "device": path["device"],
        "kv_dtype": path["kv_dtype"],
        "tokens": f"sha256:{identity_['tokens_sha256']}",
    }
    if path["activation_quantisation"] != "none":
        key["activation"] = path["activation_quantisation"]
    bad = sum(p.all.nan_count + p.all.inf_count for p in traced.points)
    (best, largest), (_, second) = traced.top(2)
    run.measure("nonfinite_count", bad, "count", key)
    run.measure("logits_argmax", best, "token id", key)
    run.measure("logits_top2_margin", number(largest - second), "logit", key)


def _numbers(statistics: "Statistics") -> list[Any]:
    from ml.statistics import COLUMNS

    values = attrs.asdict(statistics)
    return [number(values[name]) for name in COLUMNS]


def number(value: float) -> float | str:
    """A number as an event holds it: what is not finite is spelled."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _table(traced: "Trace") -> base.Table:
    columns = ("layer", "point", "mean", "std", "min", "max", "nan", "inf", "zero", "std_last")
    rows = tuple(
        (
            p.layer,
            p.point,
            p.all.mean,
            p.all.std,
            p.all.min,
            p.all.max,
            p.all.nan_count,
            p.all.inf_count,
            p.all.zero_count,
            p.last.std,
        )
        for p in traced.points
    )
    return base.Table(columns, rows)
