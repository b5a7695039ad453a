"""What the commands share: their options, how they print, and how they show progress."""

import contextlib
import csv
import datetime
import difflib
import io
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ledger.cli import stopping
from ledger.errors import BadArguments
from ledger.folder import Folder, find_folder
from ledger.ids import is_hash
from ledger.ledger import Ledger, require_actor
from ledger.queries.base import Table

F = TypeVar("F", bound=Callable[..., Any])
#: As many digits as the largest position has.
_DIGITS = 19


def ledger_option(function: F) -> F:
    """Add --ledger."""
    return click.option(
        "--ledger",
        "ledger_dir",
        metavar="DIR",
        help="The ledger to use (else LEDGER_DIR, else the nearest .ledger above).",
    )(function)


def actor_option(function: F) -> F:
    """Add --actor."""
    return click.option(
        "--actor",
        envvar="LEDGER_ACTOR",
        metavar="TYPE:NAME",
        help="Who acts: human:NAME, agent:NAME or executor:NAME (else LEDGER_ACTOR).",
    )(function)


def durable_option(function: F) -> F:
    """Add --durable."""
    return click.option(
        "--durable", is_flag=True, help="Return only when a power cut could not undo it."
    )(function)


def json_option(function: F) -> F:
    """Add --json."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print a JSON list of objects instead of a table."
    )(function)


def recording_options(function: F) -> F:
    """Add what every command takes that records: --actor, --durable, --ledger, --json."""
    return actor_option(durable_option(ledger_option(json_option(function))))


def at_option(function: F) -> F:
    """Add --at."""
    return click.option(
        "--at",
        metavar="VERSION|POSITION",
        help="The record as it stood then, instead of now; a whole number is a position.",
    )(function)


def open_ledger(ledger_dir: str | None, actor: str | None = None, **more: Any) -> Ledger:  # noqa: ANN401
    """The ledger a command works on, showing progress where its state is rebuilt."""
    return Ledger(find_folder(ledger_dir), actor=actor, **more)


def json_value(value: object) -> object:
    """A value as JSON can hold it: times as ISO 8601, non-finite numbers by name."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, datetime.datetime):
        return value.isoformat() + "Z"  # the store keeps UTC without a zone
    if isinstance(value, (list, tuple)):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def to_json(value: object, *, indent: int | None = None) -> str:
    """JSON text for people and programs; keys stay in the order of the columns."""
    return json.dumps(json_value(value), ensure_ascii=False, indent=indent)


def cell_text(value: object) -> str:
    """A value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    value = json_value(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def print_table(table: Table, format_: str = "table") -> None:
    """Print an answer to stdout as table, json, jsonl or csv."""
    if format_ == "json":
        click.echo(to_json(table.objects(), indent=1))
    elif format_ == "jsonl":
        for row in table.objects():
            click.echo(to_json(row))
    elif format_ == "csv":
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows([csv_cell(value) for value in row] for row in table.rows)
        click.echo(buffer.getvalue(), nl=False)
    else:
        _print_aligned(table)


def csv_cell(value: object) -> object:
    """A value as CSV holds it: numbers in full, lists as JSON."""
    value = json_value(value)
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _print_aligned(table: Table) -> None:
    """Columns side by side; where a terminal is too narrow for them, one record below the other."""
    from rich.cells import cell_len

    width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
    cells = [[cell_text(value) for value in row] for row in table.rows]
    if width is not None and _width(table.columns, cells) > width:
        cells = [[_shorten(cell) for cell in row] for row in cells]
    if width is not None and _width(table.columns, cells) > width:
        _print_records(table.columns, cells)
        return
    numeric = [_is_numeric(row[index] for row in table.rows) for index in range(len(table.columns))]
    widths = [max(map(cell_len, column)) for column in zip(table.columns, *cells, strict=True)]
    for number, row in enumerate((table.columns, *cells)):
        padded = (
            " " * (size - cell_len(cell)) + cell if right else cell + " " * (size - cell_len(cell))
            for cell, size, right in zip(row, widths, numeric, strict=True)
        )
        click.secho("  ".join(padded).rstrip(), bold=True if number == 0 else None)


def _print_records(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Each row as lines of name and value; what is empty is left out."""
    size = max(map(len, columns))
    for number, row in enumerate(cells):
        if number:
            click.echo()
        for name, cell in zip(columns, row, strict=True):
            if cell:
                click.echo(click.style(name.ljust(size), bold=True) + "  " + cell)


def _is_numeric(values: Iterable[object]) -> bool:
    """Whether a column holds numbers, and nothing else but null."""
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in known
    )


def _width(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """How wide the columns side by side are."""
    from rich.cells import cell_len

    return sum(max(map(cell_len, column)) + 2 for column in zip(columns, *cells, strict=True)) - 2


def _shorten(cell: str) -> str:
    """A hash cut to what tells it from others, for a terminal that has no room for it."""
    return cell[:17] + "…" if is_hash(cell) else cell


def template_options(says: str) -> Callable[[F], F]:
    """Options of commands that render: a user's own templates (`says` what for), and the time."""

    def give(command: F) -> F:
        command = click.option(
            "--seconds",
            type=click.FloatRange(0.1, 3600),
            default=10.0,
            show_default=True,
            help="How long one page may compute.",
        )(command)
        return click.option(
            "--templates",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            metavar="DIR",
            help=says,
        )(command)

    return give


@contextlib.contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function to call with (done, in all); a bar on stderr where that is a terminal.

    Calling it is also where a command stops that was told to, should the first word be lost.
    """
    if not (sys.stderr and sys.stderr.isatty()):
        yield lambda _done, _total: stopping.check()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=None)

        def report(done: int, total: int) -> None:
            stopping.check()
            bar.update(task, completed=done, total=total)

        yield report


def say(text: str) -> None:
    """Talk to the user, on stderr."""
    click.echo(text, err=True)


#: The versions of this record, in the order of their first registration on the main line.
_VERSIONS = "select version, first from spec_versions order by first"


def resolve_at(folder: Folder, at: str | None) -> int | None:
    """A position from --at: a whole number is a position, anything else a version.

    A version means the state just before the first registration of the next different version, and
    versions follow one another as they were first registered. A `v` before it is allowed, and is
    how a version that is a whole number is written. Raises `BadArguments`, with near versions.
    """
    if at is None:
        return None
    if at.isascii() and at.isdigit():
        if len(at.lstrip("0")) > _DIGITS:
            raise BadArguments(f"there is no position {at[:40]}", hint="positions count from 0")
        return int(at.lstrip("0") or "0")
    from ledger.store.reader import open_reader

    with open_reader(folder) as db:
        versions = dict(db.execute(_VERSIONS).fetchall())
        end = db.execute("select max(position) from events").fetchone()
    version = at if at in versions else at.removeprefix("v")
    if version not in versions:
        raise _no_version(at, list(versions))
    later = (position for position in versions.values() if position > versions[version])
    following = next(later, None)
    return following - 1 if following is not None else end[0] if end else None


def _no_version(at: str, versions: list[str]) -> BadArguments:
    near = difflib.get_close_matches(at.removeprefix("v"), versions, n=3, cutoff=0.5)
    known = f"{len(versions)}, {versions[0]} to {versions[-1]}" if versions else "none"
    return BadArguments(
        f"no section registers version {at!r}",
        hint=(f"did you mean {' or '.join(near)}? " if near else "")
        + f"versions on record: {known}; a whole number is a position",
    )


__all__ = [
    "actor_option",
    "at_option",
    "durable_option",
    "json_option",
    "ledger_option",
    "open_ledger",
    "print_table",
    "progress",
    "recording_options",
    "require_actor",
    "resolve_at",
    "say",
]
