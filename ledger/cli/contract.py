"""`ledger contract`: criteria, gates, invariants and falsifiers from YAML files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ledger.cli.base import (
    at_option,
    json_option,
    ledger_option,
    open_ledger,
    print_table,
    recording_options,
    resolve_at,
    say,
    to_json,
)
from ledger.clock import SystemClock
from ledger.errors import BadArguments, LedgerError
from ledger.folder import ENVIRONMENT_VARIABLE, find_folder
from ledger.ledger import Ledger, require_actor
from ledger.queries.base import Table

if TYPE_CHECKING:
    from ledger.contracts.add import Added
    from ledger.contracts.base import Document, Finding, Surroundings
    from ledger.folder import Folder
    from ledger.state import State

_FOUND: Final = ("file", "line", "column", "check", "text")
_ADDED: Final = ("what", "name", "change", "before", "now", "seen", "position", "hash")
#: What a person sees of a list of contracts.
_LISTED: Final = ("contract", "version", "model", "rows", "in_force", "title", "position")
#: What a person sees of the rows of one.
_SHOWN: Final = (
    "row", "family", "metric", "status", "standing", "value", "blocking", "post_hoc", "position",
)  # fmt: skip
#: Who asks the rules where nothing is recorded.
NOBODY: Final = "human:nobody"
_file = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
_tests_option = click.option(
    "--tests",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where tests/FILE.py::NAME is looked up (else the project that the file lies in).",
)


@click.group(
    epilog="Examples:\n\n\b\n  ledger contract new tiny4 > tiny4.yaml\n"
    "  ledger contract lint tiny4.yaml\n  ledger contract add tiny4.yaml --dry-run\n"
    "  ledger contract add tiny4.yaml\n  ledger contract show tiny4"
)
def contract() -> None:
    """Check and record files of criteria.

    A contract is a YAML file of criteria, gates, invariants and falsifiers, each with its test,
    prediction, metric, threshold and unit. Adding a new version appends: what the one before
    demanded stays on record, and stays in force for the verdicts that were given on it.
    """


@contract.command(
    epilog="Examples:\n\n\b\n  ledger contract add tiny4.yaml --dry-run\n"
    "  ledger contract add tiny4.yaml --actor human:ada --json"
)
@click.argument("file", type=_file)
@click.option("--dry-run", is_flag=True, help="Say what would be recorded, and record nothing.")
@_tests_option
@recording_options
def add(
    file: Path,
    dry_run: bool,
    tests: Path | None,
    actor: str | None,
    durable: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Record the contract in FILE: its constants, its rows, and the version, all or nothing.

    Rows that are on record as the file has them are not recorded again. A demand that moved takes
    the place of the one before; where a result on record meets it and did not meet that one, it is
    post hoc: its verdicts stand beside the row, and the demand before stays in force.
    """
    from ledger.contracts.add import add as add_contract
    from ledger.contracts.reading import read_document

    who = require_actor(actor)
    document = read_document(_read(file), str(file))
    with open_ledger(ledger_dir, who, durable=durable) as ledger:
        around = _around(file, tests, who)
        added = add_contract(ledger, document, around, dry_run=dry_run)
    rows = _added_rows(added)
    table = Table(_ADDED, rows)
    print_table(table if as_json else _only(table, _ADDED[:-1]), "json" if as_json else "table")
    for change in added.changes:
        if change.change == "post hoc":
            say(
                f"post hoc: {change.name}: position {change.seen} meets {change.now} and did not "
                f"meet {change.before}; verdicts by it stand beside the row"
            )
        if change.change == "left out":
            say(f"left out: {change.name} stays on the board; `ledger record row.moved` retires it")
    if dry_run:
        say("nothing was recorded")


def _added_rows(added: "Added") -> tuple[tuple[object, ...], ...]:
    rows = []
    for number, change in enumerate(added.changes):
        receipt = added.receipts.get(number)
        values = (getattr(change, name) for name in _ADDED[:-2])
        rows.append(
            (*values, receipt.position if receipt else None, receipt.hash if receipt else None)
        )
    return tuple(rows)


@contract.command(
    epilog="Examples:\n\n\b\n  ledger contract lint tiny4.yaml\n"
    "  ledger contract lint contracts/*.yaml --alone --json\n  ledger contract lint --checks"
)
@click.argument("files", nargs=-1, type=_file)
@click.option("--alone", is_flag=True, help="Look at the files alone, at no ledger.")
@click.option("--checks", "list_checks", is_flag=True, help="List the checks.")
@_tests_option
@ledger_option
@json_option
def lint(
    files: tuple[Path, ...],
    alone: bool,
    list_checks: bool,
    tests: Path | None,
    ledger_dir: str | None,
    as_json: bool,
) -> int:
    """Report every problem of the contracts in FILES, each with its line.

    Where there is a ledger, the files are held against it, too: nothing is recorded. Exit code 0
    where nothing is found, 1 otherwise.
    """
    from ledger.contracts.lint import CHECKS

    if list_checks:
        checks = tuple((check.name, check.needs, check.finds) for check in CHECKS)
        print_table(Table(("check", "needs", "finds"), checks), "json" if as_json else "table")
        return 0
    if not files:
        raise BadArguments("which files?", hint="ledger contract lint FILE…")
    found = _lint(files, tests, None if alone else _folder_if_any(ledger_dir))
    if as_json:
        rows = tuple(tuple(getattr(one, name) for name in _FOUND) for one in found)
        print_table(Table(_FOUND, rows), "json")
    else:
        for one in found:
            click.echo(str(one))
    say(f"files: {len(files)}, findings: {len(found)}")
    return 1 if found else 0


def _lint(files: Sequence[Path], tests: Path | None, folder: "Folder | None") -> "list[Finding]":
    """Every finding of every file, in the order of the files."""
    from ledger.contracts.reading import look_at

    looked_at = [(file, look_at(_read(file), str(file))) for file in dict.fromkeys(files)]
    if folder is None:
        return _findings(looked_at, tests, None)
    with Ledger(folder) as ledger, ledger.recorder.caught_up() as state:
        return _findings(looked_at, tests, state)


def _findings(
    looked_at: "Sequence[tuple[Path, Document]]", tests: Path | None, record: "State | None"
) -> "list[Finding]":
    from ledger.contracts.lint import lint as find

    found = []
    for file, document in looked_at:
        others = tuple(other for _, other in looked_at if other is not document)
        found += find(document, _around(file, tests, others=others, record=record))
    return found


@contract.command(
    "list",
    epilog="Examples:\n\n\b\n  ledger contract list\n  ledger contract list --at 40 --json",
)
@at_option
@ledger_option
@json_option
def list_(at: str | None, ledger_dir: str | None, as_json: bool) -> None:
    """List the contracts on record, every version, and which one is in force."""
    from ledger.contracts.listing import list_contracts

    folder = find_folder(ledger_dir)
    found = list_contracts(folder, resolve_at(folder, at))
    print_table(found if as_json else _only(found, _LISTED), "json" if as_json else "table")


def _only(table: Table, columns: Sequence[str]) -> Table:
    rows = (tuple(row[name] for name in columns) for row in table.objects())
    return Table(tuple(columns), tuple(rows))


def _complete_name(ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    """Contracts on record, for the shell; silent where there is no ledger."""
    from ledger.contracts.listing import list_contracts

    try:
        found = list_contracts(find_folder(ctx.params.get("ledger_dir")), None)
    except LedgerError:
        return []
    names = dict.fromkeys(str(row["contract"]) for row in found.objects())
    return [name for name in names if name.startswith(start)]


@contract.command(
    epilog="Examples:\n\n\b\n  ledger contract show tiny4\n"
    "  ledger contract show tiny4@1.0.0 --at 40\n  ledger contract show tiny4 --file > tiny4.yaml"
)
@click.argument("name", metavar="NAME[@VERSION]", shell_complete=_complete_name)
@click.option("--file", "as_file", is_flag=True, help="Print the file as it was added.")
@at_option
@ledger_option
@json_option
def show(name: str, as_file: bool, at: str | None, ledger_dir: str | None, as_json: bool) -> None:
    """Show a contract, the version in force unless one is named, and how its rows stand.

    The rows stand as the board has them now, or at --at: with the demand in force, and what was
    judged by one that moved after a result beside it.
    """
    from ledger.blobs import read_blob
    from ledger.contracts.listing import show_contract

    folder = find_folder(ledger_dir)
    head, rows = show_contract(folder, name, resolve_at(folder, at))
    if as_file:
        click.echo(read_blob(folder, str(head["file"])), nl=False)
    elif as_json:
        click.echo(to_json({**head, "rows": rows.objects()}, indent=1))
    else:
        stands = "in force" if head["in_force"] else "not in force"
        click.echo(f"{head['contract']} {head['version']} ({stands}): {head['title']}")
        click.echo()
        print_table(_only(rows, _SHOWN))


@contract.command(
    epilog="Examples:\n\n\b\n  ledger contract new tiny4 > tiny4.yaml\n"
    "  ledger contract new tiny4 --model tiny4"
)
@click.argument("name")
@click.option("--model", help="The model that its rows are listed under.")
def new(name: str, model: str | None) -> None:
    """Print a contract NAME to begin with, one constant and one row, to be written over."""
    from ledger.contracts.text import format_contract, starting_contract
    from ledger.ids import is_id

    if not is_id(name):
        raise BadArguments(
            f"{name!r} cannot name a contract", hint="letters, digits and . _ + -, such as tiny4"
        )
    click.echo(format_contract(starting_contract(name, model)), nl=False)


@contract.command(epilog="Examples:\n\n\b\n  ledger contract schema > contract.schema.json")
def schema() -> None:
    """Print the JSON Schema of contract files, for editors."""
    from ledger.contracts.schema import json_schema

    click.echo(to_json(json_schema(), indent=1))


def _read(file: Path) -> bytes:
    """The bytes of a file, - is stdin; no more than is needed to say that they are too many."""
    from ledger.contracts.nodes import MAX_BYTES

    with click.open_file(str(file), "rb") as stream:
        data: bytes = stream.read(MAX_BYTES + 1)
    return data


def _around(
    file: Path,
    tests: Path | None,
    actor: str = NOBODY,
    *,
    others: "tuple[Document, ...]" = (),
    record: "State | None" = None,
) -> "Surroundings":
    """What a check may look at besides the file."""
    from ledger.contracts.base import Surroundings
    from ledger.contracts.cited_tests import project_of

    return Surroundings(
        tests=tests or project_of(file),
        find_command=_why_no_command,
        others=others,
        record=record,
        now_us=SystemClock().now_us(),
        actor=actor,
    )


def _folder_if_any(ledger_dir: str | None) -> "Folder | None":
    """The ledger that is named, else the nearest; None where none is named and none is near."""
    try:
        return find_folder(ledger_dir)
    except BadArguments:
        if ledger_dir or os.environ.get(ENVIRONMENT_VARIABLE):
            raise
        return None


def _why_no_command(words: Sequence[str]) -> str | None:
    """Why there is no such command of `ledger`; None where there is. Options are not looked at."""
    from ledger.cli import cli

    group: click.Group = cli
    path = "ledger"
    for word in words[:2]:
        ctx = click.Context(group, info_name=path)
        known = group.list_commands(ctx)
        if not word.startswith("-") and word not in known:
            return f"there is no command `{path} {word}`; there are {', '.join(known)}"
        # An executor is not loaded, and with it tinygrad, to find that it is there.
        found = group.get_command(ctx, word) if group is cli else None
        if not isinstance(found, click.Group):
            return None
        group, path = found, f"{path} {word}"
    return None if words else "`ledger` alone tests nothing; name a command"
