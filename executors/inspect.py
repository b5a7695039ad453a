"""`ledger run inspect`: what a model file says of itself, and where its tensors lie."""

import fnmatch
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.tracing.recording import number

if TYPE_CHECKING:
    from ml.containers import Container, TensorInfo

CONTRACT: Final = "inspect/1"
COLUMNS: Final = ("tensor", "type", "shape", "size_bytes", "offset")
#: Of an array that many elements are shown; of a text that many characters, in a table.
_ELEMENTS: Final = 8
_CHARACTERS: Final = 120


@click.command(
    epilog="Examples:\n\n\b\n  ledger run inspect model.gguf\n"
    "  ledger run inspect model.gguf --tensors 'blk.0.*' --metadata 'qwen2.*'\n"
    "  ledger run inspect checkpoint/ --digest --json"
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--tensors",
    metavar="GLOB",
    default="*",
    help="Only tensors whose name fits, such as 'blk.0.*'.",
)
@click.option("--metadata", metavar="GLOB", default="*", help="Only metadata whose key fits.")
@click.option("--digest", is_flag=True, help="Read the whole file and give its SHA-256.")
@click.option(
    "--record/--no-record",
    default=False,
    show_default=True,
    help="Record size, tensors and parameters as a run.",
)
@base.ledger_option
@base.json_option
def inspect(
    file: Path,
    tensors: str,
    metadata: str,
    digest: bool,
    record: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Show format, metadata and tensors of FILE: GGUF, APR, safetensors, or a checkpoint.

    The header is checked as a whole; of an array in the metadata the first elements are shown.
    With --json, one object holds all of it. Nothing is recorded unless you ask for it.
    """
    with base.bad_input():
        from ml.containers import open_container

        opened = open_container(file)
        summary = _summary(opened, with_digest=digest or record)
        values = _metadata(opened, metadata)
    if record:
        with base.open_ledger(ledger_dir) as ledger:
            base.say(f"recorded as {record_inspection(ledger, file, opened, summary)}")
    infos = [info for name, info in opened.tensors.items() if fnmatch.fnmatchcase(name, tensors)]
    if as_json:
        shown = {**summary, "metadata": values, "tensors": [_row(info) for info in infos]}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        _print(summary, values, infos)


def record_inspection(
    ledger: base.Ledger, file: Path, opened: "Container", summary: dict[str, Any]
) -> str:
    """Record what a file is as a run of measurements; returns the run's name."""
    facts: base.Facts = {
        "arguments": {"file": file.name},
        "inputs": {"model": summary["digest"]},
        "model": {"name": file.stem, "container": opened.format, "size_bytes": opened.size_bytes},
    }
    key = {"contract": CONTRACT, "model": summary["digest"]}
    with base.start(ledger, "inspect", facts) as run:
        run.measure("size_bytes", summary["size_bytes"], "B", key)
        run.measure("tensors", summary["tensor_count"], "count", key)
        run.measure("parameters", summary["parameters"], "count", key)
        return run.name


def visible(text: str) -> str:
    """Text out of a file as a terminal may show it: no control characters."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _summary(opened: "Container", *, with_digest: bool) -> dict[str, Any]:
    infos = opened.tensors.values()
    types = sorted({info.quant_type.name for info in infos})
    facts: dict[str, Any] = {
        "path": str(opened.path),
        "format": opened.format,
        "size_bytes": opened.size_bytes,
        "tensor_count": len(opened.tensors),
        "parameters": sum(info.elements for info in infos),
        "types": {kind: sum(info.quant_type.name == kind for info in infos) for kind in types},
    }
    if with_digest:
        facts["digest"] = f"sha256:{opened.digest()}"
    return facts


def _metadata(opened: "Container", pattern: str) -> dict[str, Any]:
    """Values by key as JSON has them; of an array its first elements and how many it has."""
    shown: dict[str, Any] = {}
    for key in opened.metadata:
        if fnmatch.fnmatchcase(key, pattern):
            value, count = opened.preview(key, _ELEMENTS)
            plain = _plain(value)
            shown[key] = plain if count is None else {"count": count, "first": plain}
    return shown


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON of any form
    """A value of metadata as JSON has it."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value[:_ELEMENTS]]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return number(value)
    return value


def _row(info: "TensorInfo") -> dict[str, Any]:
    """A tensor as JSON has it; where several files or other names are, those too."""
    row: dict[str, Any] = {
        "tensor": info.name,
        "type": info.quant_type.name,
        "shape": list(info.shape),
        "size_bytes": info.size_bytes,
        "offset": info.offset,
    }
    if info.file is not None:
        row["file"] = info.file
    if info.stored_as is not None:
        row["stored_as"] = info.stored_as
    return row


def _print(summary: dict[str, Any], values: dict[str, Any], infos: list["TensorInfo"]) -> None:
    """Three tables, one below the other."""
    types = ", ".join(f"{count} {kind}" for kind, count in summary["types"].items())
    facts = tuple((key, _text(value)) for key, value in (summary | {"types": types}).items())
    rows = [_row(info) for info in infos]
    more = [name for name in ("file", "stored_as") if rows and name in rows[0]]
    columns = (*COLUMNS, *more)
    tables = [
        base.Table(("property", "value"), facts),
        base.Table(("key", "value"), tuple((visible(k), _text(v)) for k, v in values.items())),
        base.Table(columns, tuple(tuple(_cell(row[name]) for name in columns) for row in rows)),
    ]
    for position, table in enumerate(table for table in tables if table.rows):
        if position:
            click.echo()
        base.print_table(table)


def _cell(value: object) -> object:
    return visible(value) if isinstance(value, str) else value


def _text(value: object) -> str:
    """A value in one short line."""
    if isinstance(value, dict) and set(value) == {"count", "first"}:
        first = ", ".join(_text(item) for item in value["first"])
        more = ", …" if value["count"] > len(value["first"]) else ""
        return f"{value['count']}: [{first}{more}]"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + "…")
