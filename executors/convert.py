"""`ledger run convert`: a model in another container, or with other types of numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.inspect import visible
from executors.tracing.recording import number

if TYPE_CHECKING:
    from ml.conversion import Converted, ConvertedTensor, Mixture, Source

CONTRACT: Final = "convert/1"
COLUMNS: Final = (
    "tensor",
    "shape",
    "type_before",
    "type_after",
    "wanted",
    "size_bytes",
    "rms_error",
    "share",
    "largest_error",
    "over_limit",
)
#: The names of `ml.quantise.mixtures`, which is not loaded for a help text; a test holds them.
PLAIN: Final = ("f32", "f16", "bf16")
PACKED: Final = (
    "q8_0",
    "q6_k",
    "q5_k_m",
    "q5_k_s",
    "q5_1",
    "q5_0",
    "q4_k_m",
    "q4_k_s",
    "q4_0",
)
#: Types of APR alone.
OF_APR: Final = ("apr_q8", "apr_q4")

#: Tensors that are named on stderr; the table has all.
_MOST_TOLD: Final = 10


@click.command(
    epilog="Examples:\n\n\b\n  ledger run convert model.gguf model.apr\n"
    "  ledger run convert checkpoint/ model.gguf --to f16\n"
    "  ledger run convert model.gguf checkpoint"
)
@click.argument("source", metavar="A", type=click.Path(path_type=Path))
@click.argument("target", metavar="B", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "to",
    type=click.Choice(PLAIN + PACKED + OF_APR),
    help="Type of the matrices; left out, every number stays as it is.",
)
@click.option("--force", is_flag=True, help="Replace a file B that is there already.")
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    default=2,
    show_default=True,
    help="Threads that pack numbers; the bytes do not depend on it.",
)
@click.option(
    "--record/--no-record", default=True, show_default=True, help="Record both digests as a run."
)
@base.ledger_option
@base.json_option
def convert(
    source: Path,
    target: Path,
    to: str | None,
    force: bool,
    threads: int,
    record: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> int:
    """Write model A as B: GGUF, APR, safetensors or a checkpoint's folder, by B's suffix.

    Names and the order of rows become those of the container, metadata and vocabulary go along. B
    is opened and held against A before it gets its name; it never replaces A. Only tensors that
    change their type are listed. Exit code 1 when one of them lost more than a type of four to
    eight bits may.
    """
    request = {"source": source, "target": target, "to": to, "force": force, "threads": threads}
    return run_conversion("convert", request, record, ledger_dir, as_json)


def run_conversion(
    executor: str, request: dict[str, Any], record: bool, ledger_dir: str | None, as_json: bool
) -> int:
    """Check a request, convert, record, print; returns the exit code."""
    with base.bad_input():
        from ml.conversion import BY_MIXTURE, check_request, open_source

        source = open_source(request["source"])
        mixture = BY_MIXTURE[request["to"]] if request["to"] else None
        check_request(source, request["target"], mixture, is_forced=request["force"])
    name = ""
    if record:
        with base.open_ledger(ledger_dir) as ledger:
            name, done = record_conversion(ledger, executor, source, mixture, request)
    else:
        with base.ml_errors():
            done = _convert(source, mixture, request)
    rows = [one for one in done.tensors if one.type_before != one.type_after]
    base.print_table(base.Table(COLUMNS, tuple(map(_row, rows))), "json" if as_json else "table")
    for note in source.notes:
        base.say(note)
    _tell(name, done)
    return 1 if done.over else 0


def _convert(
    source: "Source", mixture: "Mixture | None", request: dict[str, Any], digest: str | None = None
) -> "Converted":
    from ml.conversion import convert as convert_model

    with base.progress("converting") as report:
        return convert_model(
            source,
            request["target"],
            mixture=mixture,
            is_forced=request["force"],
            threads=request["threads"],
            progress=report,
            digest=digest,
        )


def record_conversion(
    ledger: base.Ledger,
    executor: str,
    source: "Source",
    mixture: "Mixture | None",
    request: dict[str, Any],
) -> "tuple[str, Converted]":
    """Convert as a run, with both digests; returns its name and what came out."""
    digest = f"sha256:{source.container.digest()}"
    shown = {"a": request["source"].name, "b": request["target"].name, "to": request["to"]}
    facts: base.Facts = {
        "arguments": {key: value for key, value in shown.items() if value is not None},
        "inputs": {"model": digest},
        "dtype": "float32",
        "dtype_reason": "numbers are packed from float32, as ggml does",
    }
    with base.start(ledger, executor, facts) as run, base.ml_errors():
        done = _convert(source, mixture, request, digest.removeprefix("sha256:"))
        key = {
            "contract": CONTRACT,
            "model": digest,
            "output": f"sha256:{done.digest_after}",
            "container": done.format,
        }
        if mixture is not None:
            key["mixture"] = mixture.name
        _measure(run, done, key)
        return run.name, done


def _measure(run: base.Run, done: "Converted", key: dict[str, str]) -> None:
    changed = [one for one in done.tensors if one.error is not None]
    run.measure("size_bytes", done.size_bytes, "B", key)
    run.measure("tensors", len(done.tensors), "count", key)
    run.measure("tensors_repacked", len(changed), "count", key)
    run.measure("tensors_over_limit", len(done.over), "count", key)
    run.measure("tensors_fallen_back", len(_fallen_back(done)), "count", key)
    for one in changed:
        own = {**key, "tensor": one.name, "type": one.type_after, "wanted": one.wanted}
        run.measure("round_trip_share", number(one.error.share if one.error else 0.0), "ratio", own)


def _fallen_back(done: "Converted") -> "list[ConvertedTensor]":
    return [one for one in done.tensors if one.wanted != one.type_after]


def _row(one: "ConvertedTensor") -> tuple[Any, ...]:
    error = one.error
    return (
        visible(one.name),
        list(one.shape),
        one.type_before,
        one.type_after,
        one.wanted,
        one.size_bytes,
        None if error is None else error.rms,
        None if error is None else error.share,
        None if error is None else error.largest,
        None if error is None else error.is_over,
    )


def _tell(name: str, done: "Converted") -> None:
    """How it went, in a line or some."""
    for one in _fallen_back(done)[:_MOST_TOLD]:
        why = f"rows of {one.shape[-1]} fill no {one.wanted} block"
        base.say(f"{visible(one.name)}: {one.type_after} instead of {one.wanted}: {why}")
    for one in done.over[:_MOST_TOLD]:
        share = one.error.share if one.error else 0.0
        base.say(f"{visible(one.name)}: {one.type_after} is off by {share:.3g} of its size")
    if len(done.over) > _MOST_TOLD:
        base.say(f"… and {len(done.over) - _MOST_TOLD} more, which the table marks")
    copy = ", the same bytes: a copy" if done.digest_before == done.digest_after else ""
    said = f"{done.path.name} is {done.format}, {done.size_bytes} bytes{copy}"
    base.say(f"{name + ': ' if name else ''}{said}")
    base.say(f"  sha256:{done.digest_after}")
