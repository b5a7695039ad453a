"""`ledger run nodes`: a pass of ours against what llama.cpp printed of the same pass."""

import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from executors import base
from executors.tracing.options import pass_options, prompt_options
from executors.tracing.prompt import read_prompt
from executors.tracing.recording import number

if TYPE_CHECKING:
    from ml.node_comparison import NodeComparison
    from ml.tracing import Trace

CONTRACT: Final = "nodes/1"
COLUMNS: Final = ("rows", "values", "rms", "largest", "sum")
_MOST_BYTES: Final = 1 << 30
_SECONDS: Final = 3600


@click.command(
    epilog="Examples:\n\n\b\n  llama-eval-callback -m m.gguf -p hello -fa off > nodes.txt\n"
    "  ledger run nodes m.gguf nodes.txt --prompt hello --kv f16\n"
    "  ledger run nodes m-Q8_0.gguf nodes.txt --ids 319,75 --kv f16 --engine b --activation q8\n"
    "  ledger run nodes m.gguf --command 'llama-eval-callback -m m.gguf -p hello -fa off' "
    "--prompt hello --kv f16"
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("nodes", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@prompt_options
@pass_options
@click.option(
    "--command",
    metavar="WORDS",
    help="Run this instead of reading FILE, again while the end of its output is missing.",
)
@click.option(
    "--tries",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="How often --command is run at the most.",
)
@click.option("--partial", is_flag=True, help="Compare what there is, though nodes are missing.")
@click.option(
    "--threshold",
    type=click.FloatRange(min=0, min_open=True),
    default=1e-2,
    show_default=True,
    help="The largest difference, in units of our std, above which a node differs.",
)
@click.option("--program", default="llama.cpp", show_default=True, help="Who printed, and version.")
@base.ledger_option
@base.json_option
def nodes(
    model: Path,
    nodes: Path | None,
    ids: str | None,
    ids_file: Path | None,
    prompt: str | None,
    bos: bool,
    command: str | None,
    tries: int,
    partial: bool,
    threshold: float,
    program: str,
    ledger_dir: str | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - what a pass is computed by
) -> int:
    """Hold a pass of MODEL against the nodes that llama-eval-callback printed into FILE.

    The printed ends of each row and each sum are compared at every capture point, and the first
    node that differs is named. llama.cpp keeps K and V in f16 unless told otherwise: give --kv f16.
    Exit code 1 where a node differs by more than the threshold.
    """
    if (nodes is None) == (command is None):
        raise base.BadArguments(
            "give what was printed once: as FILE or by --command", hint="see the examples in --help"
        )
    with base.open_ledger(ledger_dir) as ledger:
        tokens = read_prompt(model, ids, ids_file, prompt, bos=bos)
        text = _read(nodes) if nodes is not None else _run(shlex.split(command or ""), tries)
        run, compared = record_nodes(
            ledger, model, tokens, text, program=program, partial=partial, **asked
        )
    table = base.Table(
        ("layer", "point", "node", *COLUMNS),
        tuple((c.layer, c.point, c.node, *_numbers(c)) for c in compared),
    )
    base.print_table(table, "json" if as_json else "table")
    first = next((c for c in compared if c.largest > threshold), None)
    base.say(f"{run}: {len(compared)} nodes of {program}")
    if first is None:
        base.say(f"no node differs by more than {threshold:g} of the std")
        return 0
    where = first.point if first.layer is None else f"layer {first.layer}, {first.point}"
    base.say(f"first node that differs: {where} ({first.node}): {first.largest:.3g} of the std")
    return 1


def record_nodes(
    ledger: base.Ledger,
    model: Path,
    tokens: list[int],
    text: str,
    *,
    program: str,
    partial: bool,
    **asked: Any,  # noqa: ANN401 - what a pass is computed by
) -> "tuple[str, tuple[NodeComparison, ...]]":
    """Trace, compare and record; returns the run's name and the nodes.

    Raises `Malformed` for output that is not whole, `ExecutorFailed` for a run that failed.
    """
    from ml.architectures import open_model
    from ml.llama_cpp_nodes import parse_nodes
    from ml.llama_cpp_points import missing, places
    from ml.node_comparison import compare_nodes
    from ml.points import ALL_POINTS
    from ml.tracing import check, trace

    with base.bad_input():
        opened = open_model(model)
        check(opened, tokens, points=None, batching="prefill", generate=0, **_without_device(asked))
        found = places(parse_nodes(text), opened)
        lacking = missing(found, opened)
        if lacking and not partial:
            raise _not_whole(lacking)
    facts: base.Facts = {
        "provenance": "derived",
        "arguments": {"model": model.name, "program": program, "partial": partial, **asked},
        "inputs": {"model": f"sha256:{opened.container.digest()}"},
        "device_asked": asked["device"],
    }
    with base.progress("tracing") as report, base.start(ledger, "nodes", facts) as run:
        with base.ml_errors():
            traced = trace(
                model,
                tokens,
                points=ALL_POINTS,
                keep_tensors=True,
                progress=lambda _stage, done, total: report(done, total),
                **asked,
            )
            compared = compare_nodes(opened, traced.tensors or {}, found)
        _record(run, traced, compared, lacking, text, program)
        return run.name, compared


def _record(
    run: base.Run,
    traced: "Trace",
    compared: "tuple[NodeComparison, ...]",
    lacking: list[tuple[str, int | None]],
    text: str,
    program: str,
) -> None:
    points = [[c.point, c.layer, c.node] for c in compared]
    rows = [[number(value) for value in _numbers(c)] for c in compared]
    blob = run.keep(text.encode())
    parts = base.split_rows(len(rows), lambda i: [points[i], rows[i]])
    for part, chosen in enumerate(parts):
        receipt = run.record(
            "nodes.compared",
            {
                "provenance": "derived",
                "part": part,
                "parts": len(parts),
                "program": program,
                "printed": blob,
                "path": dict(traced.path),
                "columns": list(COLUMNS),
                "points": points[chosen.start : chosen.stop],
                "rows": rows[chosen.start : chosen.stop],
                "missing": [list(place) for place in lacking] if part == 0 else [],
            },
        )
    key = {"contract": CONTRACT, "model": f"sha256:{traced.path['model_sha256']}"}
    key |= {name: str(traced.path[name]) for name in ("engine", "device", "kv_dtype")}
    key |= {"tokens": f"sha256:{traced.identity['tokens_sha256']}", "program": program}
    largest = number(max(c.largest for c in compared))
    run.measure(
        "node_difference_max", largest, "ratio", key, provenance="derived", cites=(receipt.hash,)
    )


def _numbers(compared: "NodeComparison") -> tuple[float, ...]:
    return tuple(attrs.asdict(compared)[name] for name in COLUMNS)


def _without_device(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name != "device"}


def _not_whole(lacking: "list[tuple[str, int | None]]") -> base.Malformed:
    shown = ", ".join(p if layer is None else f"{p} of layer {layer}" for p, layer in lacking[:5])
    more = ", …" if len(lacking) > 5 else ""
    return base.Malformed(
        f"{len(lacking)} points have no node: {shown}{more}",
        hint="the tool drops the end of its output now and then: run it again (--command does), "
        "or give --partial",
    )


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise base.BadArguments(f"{path} is over 1 GiB", hint="print fewer tokens")
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise base.BadArguments(
            f"cannot read {path}: {error.strerror}", hint="check the name"
        ) from error


def _run(words: list[str], tries: int) -> str:
    """What a program printed, at the first try that is whole; else at the last."""
    from ml.errors import MalformedTrace
    from ml.llama_cpp_nodes import is_whole, parse_nodes

    text = ""
    for attempt in range(1, tries + 1):
        try:
            done = subprocess.run(words, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise base.BadArguments(
                f"--command cannot be run: {error}", hint="the program and its options, as one text"
            ) from error
        text = done.stdout.decode(errors="replace")
        try:
            if is_whole(parse_nodes(text)):
                break
            said = "the end is missing"
        except MalformedTrace as error:
            said = str(error)
        base.say(f"try {attempt} of {tries}: {said}")
    return text
