"""`ledger run quantise`: a model with its matrices packed, as llama-quantize packs them."""

from pathlib import Path

import click

from executors import base
from executors.convert import PACKED, run_conversion


@click.command(
    epilog="Examples:\n\n\b\n  ledger run quantise model-f16.gguf model-q4.gguf --type q4_k_m\n"
    "  ledger run quantise checkpoint/ model.gguf --type q8_0 --json"
)
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--type",
    "to",
    type=click.Choice(PACKED),
    default="q4_k_m",
    show_default=True,
    help="The mixture, by llama-quantize's name.",
)
@click.option("--force", is_flag=True, help="Replace a file OUT that is there already.")
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    default=2,
    show_default=True,
    help="Threads that pack numbers; the bytes do not depend on it.",
)
@click.option(
    "--record/--no-record",
    default=True,
    show_default=True,
    help="Record both digests and the error of each tensor as a run.",
)
@base.ledger_option
@base.json_option
def quantise(
    source: Path,
    target: Path,
    to: str,
    force: bool,
    threads: int,
    record: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> int:
    """Pack the matrices of model IN and write OUT, a GGUF file.

    Which tensor gets which type, and the bytes, are those of llama-quantize without an importance
    matrix. Rows that fill no block take another type, which is told and recorded. Each packed
    tensor is unpacked again: the table has its error. Exit code 1 when a tensor lost more than
    ggml's own test allows for types of four to eight bits.
    """
    if target.suffix != ".gguf":
        raise base.BadArguments(
            f"{target.name} does not end in .gguf",
            hint="these types are GGUF's; `ledger run convert --to` writes other containers",
        )
    request = {"source": source, "target": target, "to": to, "force": force, "threads": threads}
    return run_conversion("quantise", request, record, ledger_dir, as_json)
