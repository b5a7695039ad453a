"""`ledger run import-trace`: somebody else's activations, taken in as a trace."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.tracing.recording import record_table

if TYPE_CHECKING:
    from ml.imported_contract import Contract
    from ml.imported_traces import ImportedTrace

_EXAMPLES: Final = (
    "Examples:\n\n\b\n  ledger run import-trace activations/ --contract trace.yaml\n"
    "  ledger run compare trace-0001 import-trace-0001"
)


@click.command("import-trace", epilog=_EXAMPLES)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--contract",
    required=True,
    type=click.Path(path_type=Path),
    help="YAML that says which file holds which point (spec/formats/imported_trace.md).",
)
@base.ledger_option
@base.json_option
def import_trace(folder: Path, contract: Path, ledger_dir: str | None, as_json: bool) -> None:
    """Take in the activations in DIR, or their rows, as a trace that can be compared.

    What the files are is stated, not measured here: a comparison with them discharges nothing. A
    file that the contract does not name and a point without its file are errors.
    """
    with base.open_ledger(ledger_dir) as ledger:
        with base.bad_input():
            from ml.imported_contract import read_contract
            from ml.imported_traces import read_trace

            stated = read_contract(contract)
            traced = read_trace(folder, stated)
        with base.start(ledger, "import-trace", _facts(stated, contract, folder)) as run:
            record_table(run, traced, "asserted")
            base.print_table(_table(traced), "json" if as_json else "table")
            base.say(f"{run.name}: {len(traced.points)} points of {stated.program}")


def _facts(stated: "Contract", contract: Path, folder: Path) -> base.Facts:
    """What `run.started` says; `files` is the digest of what sha256sum prints of the folder."""
    from ml import identity

    files = sorted(folder.iterdir())
    listing = "".join(f"{_digest(path)}  {path.name}\n" for path in files)
    inputs = {
        "files": f"sha256:{hashlib.sha256(listing.encode()).hexdigest()}",
        "contract": f"sha256:{hashlib.sha256(contract.read_bytes()).hexdigest()}",
        "tokens": f"sha256:{identity.tokens_sha256(stated.ids)}",
    }
    if stated.model_sha256 is not None:
        inputs["model"] = f"sha256:{stated.model_sha256}"
    arguments: dict[str, Any] = {
        "program": stated.program,
        "rows": stated.rows,
        "values": stated.values,
        "files": len(files),
    }
    return {
        "provenance": "asserted",
        "arguments": arguments,
        "inputs": inputs,
        "dtype": "float32",
        "dtype_reason": "rows are kept as float32",
    }


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _table(traced: "ImportedTrace") -> base.Table:
    columns = ("layer", "point", "width", "rows", "mean", "std", "min", "max", "nan", "std_last")
    rows = tuple(
        (
            p.layer, p.point, p.width, p.rows, p.all.mean, p.all.std, p.all.min, p.all.max,
            p.all.nan_count, p.last.std,
        )
        for p in traced.points
    )  # fmt: skip
    return base.Table(columns, rows)
