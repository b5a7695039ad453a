"""`ledger run bytes`: two model files held against each other, tensor by tensor, byte by byte."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.inspect import visible
from executors.tracing.recording import number

if TYPE_CHECKING:
    from ml.containers import Container
    from ml.file_comparison import ConfigDifference, TensorPair

CONTRACT: Final = "bytes/1"
COLUMNS: Final = (
    "tensor",
    "result",
    "type_a",
    "type_b",
    "shape_a",
    "shape_b",
    "first_offset",
    "file_offset_a",
    "file_offset_b",
    "differing_bytes",
    "max_difference",
    "rms_difference",
    "rms_a",
    "nonfinite",
    "note",
)
#: Results of which nothing is said unless asked for.
_QUIET: Final = ("equal",)
#: Results that leave no number to tell how far apart the tensors are.
_WITHOUT_NUMBER: Final = ("shape", "not decoded", "only a", "only b")


@click.command(
    "bytes",
    epilog="Examples:\n\n\b\n  ledger run bytes model.gguf copy.gguf\n"
    "  ledger run bytes checkpoint/ model.gguf --tensor 'blk.0.*' --all\n"
    "  ledger run bytes a.safetensors b.safetensors --no-record --json",
)
@click.argument("file_a", metavar="A", type=click.Path(path_type=Path))
@click.argument("file_b", metavar="B", type=click.Path(path_type=Path))
@click.option("--tensor", metavar="GLOB", default="*", help="Only tensors whose name fits.")
@click.option("--all", "show_all", is_flag=True, help="Show the tensors that are equal, too.")
@click.option(
    "--record/--no-record",
    default=True,
    show_default=True,
    help="Record the counts and the largest difference as a run.",
)
@base.ledger_option
@base.json_option
def bytes(  # noqa: A001 - a command has the name of its file
    file_a: Path,
    file_b: Path,
    tensor: str,
    show_all: bool,
    record: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> int:
    """Compare each tensor of model file A with the one of its name in B: bytes, then numbers.

    The files may be of different formats: tensors meet by their canonical names. Exit code 0 when
    all are equal byte for byte and the files say the same of the pass; 1 when a tensor differs, is
    missing, or has another type or shape, or a knob differs, such as the base of the rotation.
    """
    with base.bad_input():
        from ml.containers import open_container

        a, b = open_container(file_a), open_container(file_b)
    _check_selected(a, b, tensor)
    if record:
        with base.open_ledger(ledger_dir) as ledger:
            name, pairs = record_bytes(ledger, a, b, pattern=tensor)
    else:
        name, pairs = "", _compare(a, b, tensor)
    shown = [pair for pair in pairs if show_all or pair.result not in _QUIET]
    base.print_table(_table(shown), "json" if as_json else "table")
    base.say(_sentence(name, pairs))
    knobs = _knobs(a, b) or ()
    for knob in knobs:
        base.say(f"  {knob.name}: {knob.a} | {knob.b}")
    return 1 if knobs or any(pair.result != "equal" for pair in pairs) else 0


def _knobs(a: "Container", b: "Container") -> "tuple[ConfigDifference, ...] | None":
    """What the files say of the pass, where they differ in it; None where they say nothing."""
    from ml.file_comparison import config_differences

    return config_differences(a, b)


def _check_selected(a: "Container", b: "Container", pattern: str) -> None:
    """Raise `BadArguments` where there is nothing to compare: nothing is not equal to nothing."""
    from ml.file_comparison import select

    if not select(a, pattern) and not select(b, pattern):
        raise base.BadArguments(
            f"no tensor of either file fits {pattern!r}",
            hint="`ledger run inspect FILE` lists the tensors; names are as in GGUF",
        )


def _compare(a: "Container", b: "Container", pattern: str) -> "tuple[TensorPair, ...]":
    from ml.file_comparison import compare_files

    with base.progress("comparing") as report:
        return tuple(compare_files(a, b, pattern=pattern, progress=report))


def record_bytes(
    ledger: base.Ledger, a: "Container", b: "Container", *, pattern: str
) -> "tuple[str, tuple[TensorPair, ...]]":
    """Compare and record as a run; returns its name and the pairs."""
    names = {"model_a": f"sha256:{a.digest()}", "model_b": f"sha256:{b.digest()}"}
    facts: base.Facts = {
        "arguments": {"a": a.path.name, "b": b.path.name, "tensor": pattern},
        "inputs": names,
        "dtype": "float64",
        "dtype_reason": "differences of decoded numbers",
    }
    with base.start(ledger, "bytes", facts) as run:
        pairs = _compare(a, b, pattern)
        # A file held against itself: what cannot come out otherwise is no measurement.
        if not a.path.samefile(b.path):
            key = {"contract": CONTRACT, **names, "tensors": pattern}
            _measure(run, pairs, key)
            knobs = _knobs(a, b)
            if knobs is not None:
                run.measure("config_fields_differing", len(knobs), "count", key)
        return run.name, pairs


def _measure(run: base.Run, pairs: "tuple[TensorPair, ...]", key: dict[str, str]) -> None:
    """Record the counts; the largest difference only where it leaves no tensor out."""
    both = [pair for pair in pairs if pair.a is not None and pair.b is not None]
    run.measure("tensors_compared", len(both), "count", key)
    run.measure("tensors_differing", sum(p.result != "equal" for p in both), "count", key)
    run.measure("tensors_missing", len(pairs) - len(both), "count", key)
    if any(pair.result in _WITHOUT_NUMBER for pair in pairs):
        return
    known = [pair.numbers for pair in both if pair.numbers is not None]
    if any(numbers.nonfinite for numbers in known):
        return
    largest = max((numbers.largest for numbers in known), default=0.0)
    run.measure("max_difference", number(largest), "weight", key)


def _table(pairs: "list[TensorPair]") -> base.Table:
    return base.Table(COLUMNS, tuple(_row(pair) for pair in pairs))


def _row(pair: "TensorPair") -> tuple[Any, ...]:
    a, b, numbers, first = pair.a, pair.b, pair.numbers, pair.first_offset
    return (
        visible(pair.name),
        pair.result,
        None if a is None else a.quant_type.name,
        None if b is None else b.quant_type.name,
        None if a is None else list(a.shape),
        None if b is None else list(b.shape),
        first,
        None if a is None or first is None else a.offset + first,
        None if b is None or first is None else b.offset + first,
        pair.differing_bytes,
        None if numbers is None else numbers.largest,
        None if numbers is None else numbers.rms,
        None if numbers is None else numbers.rms_a,
        None if numbers is None else numbers.nonfinite,
        pair.note or None,
    )


def _sentence(run: str, pairs: "tuple[TensorPair, ...]") -> str:
    """How many tensors came to what."""
    from ml.file_comparison import count_results

    counts = ", ".join(f"{count} {result}" for result, count in count_results(pairs).items())
    return f"{run + ': ' if run else ''}{len(pairs)} tensors: {counts}"
