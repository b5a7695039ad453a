"""`ledger run validate`: every check of a model file, and what it said."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.inspect import visible

if TYPE_CHECKING:
    from ml.containers import Container
    from ml.validation import Row

CONTRACT: Final = "validate/1"
COLUMNS: Final = ("check", "result", "where", "offset", "detail")


@click.command(
    epilog="Examples:\n\n\b\n  ledger run validate model.gguf\n"
    "  ledger run validate model.apr --no-record --json\n"
    "  ledger run validate checkpoint/"
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--record/--no-record",
    default=True,
    show_default=True,
    help="Record how many checks passed, failed and were left out as a run.",
)
@base.ledger_option
@base.json_option
def validate(file: Path, record: bool, ledger_dir: str | None, as_json: bool) -> int:
    """Check all of a model file: its structure, its numbers, and whether these fit together.

    FILE is GGUF, APR, safetensors, or a checkpoint's folder. Every check is listed: PASS, FAIL
    with the place and the byte, or SKIP with the reason. Exit code 0 when none failed, 1 when one
    did, 5 when the file is not what its format says, and 2 for what is not implemented.
    """
    with base.bad_input():
        from ml.validation import validate as check_file

        with base.progress("checking") as report:
            opened, rows = check_file(file, report)
    failed = [row for row in rows if row.result == "FAIL"]
    name = ""
    if record:
        with base.open_ledger(ledger_dir) as ledger:
            name = f"{record_validation(ledger, file, opened, rows)}: "
    base.print_table(_table(rows), "json" if as_json else "table")
    base.say(f"{name}{_counts(rows)}")
    return 1 if failed else 0


def record_validation(
    ledger: base.Ledger, file: Path, opened: "Container", rows: "list[Row]"
) -> str:
    """Record what the checks said as a run of measurements; returns the run's name."""
    digest = f"sha256:{opened.digest()}"
    facts: base.Facts = {
        "arguments": {"file": file.name},
        "inputs": {"model": digest},
        "model": {"name": file.stem, "container": opened.format, "size_bytes": opened.size_bytes},
    }
    key = {"contract": CONTRACT, "model": digest}
    with base.start(ledger, "validate", facts) as run:
        for result, metric in _METRICS.items():
            run.measure(metric, _count(rows, result), "count", key)
        for check in _checks(rows, "FAIL"):
            count = sum(row.check == check for row in rows)
            run.measure("findings", count, "count", {**key, "check": check})
        return run.name


#: result -> metric.
_METRICS: Final = {"PASS": "checks_passed", "FAIL": "checks_failed", "SKIP": "checks_skipped"}


def _checks(rows: "list[Row]", result: str) -> list[str]:
    """Names of the checks that came to a result; one may have several findings."""
    return list(dict.fromkeys(row.check for row in rows if row.result == result))


def _count(rows: "list[Row]", result: str) -> int:
    return len(_checks(rows, result))


def _counts(rows: "list[Row]") -> str:
    found = {result: _count(rows, result) for result in _METRICS}
    return ", ".join(f"{count} {result}" for result, count in found.items() if count)


def _table(rows: "list[Row]") -> base.Table:
    return base.Table(COLUMNS, tuple(_cells(row) for row in rows))


def _cells(row: "Row") -> tuple[Any, ...]:
    found = row.finding
    where, detail = visible(found.where) or None, visible(found.detail) or None
    return row.check, row.result, where, found.offset, detail
