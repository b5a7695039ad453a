"""`ledger query`: named queries, and read-only SQL in a process of its own."""

from typing import Any

import click

from ledger.cli.base import (
    at_option,
    json_option,
    ledger_option,
    print_table,
    progress,
    resolve_at,
)
from ledger.errors import BadArguments
from ledger.folder import find_folder
from ledger.queries import QUERIES, Query, Table, find_query


def _complete_name(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    return [name for name in QUERIES if name.startswith(start)]


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    epilog="Examples:\n\n\b\n  ledger query board --reported no\n"
    "  ledger query trace --run trace-0001 --scope last --format csv\n"
    "  ledger query --sql 'select kind, count(*) from events group by kind order by kind'\n"
    "  ledger query board --help",
)
@click.argument("name", required=False, shell_complete=_complete_name)
@click.argument("parameters", nargs=-1, type=click.UNPROCESSED, metavar="[--PARAM VALUE]...")
@click.option("--sql", help="Read-only SQL over the tables of `ledger query --tables`.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=10_000,
    show_default=True,
    help="Rows at most, with --sql.",
)
@click.option("--seconds", default=30.0, show_default=True, help="Time at most, with --sql.")
@click.option("--list", "list_queries", is_flag=True, help="List the named queries.")
@click.option("--tables", "list_tables", is_flag=True, help="List the tables and their columns.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(("table", "json", "jsonl", "csv")),
    default="table",
    show_default=True,
    help="How to print the answer.",
)
@click.option("-h", "--help", "wants_help", is_flag=True, help="Show this, or a query's page.")
@at_option
@ledger_option
@json_option
@click.pass_context
def query(
    ctx: click.Context,
    name: str | None,
    parameters: tuple[str, ...],
    sql: str | None,
    limit: int,
    seconds: float,
    list_queries: bool,
    list_tables: bool,
    format_: str,
    wants_help: bool,
    at: str | None,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Ask the record by the NAME of a query, or with --sql."""
    format_ = "json" if as_json else format_
    if wants_help:
        click.echo(ctx.get_help() if name is None else describe(find_query(name)))
    elif list_queries:
        rows = tuple((q.name, q.help) for q in map(find_query, QUERIES))
        print_table(Table(("query", "answers"), rows), format_)
    elif list_tables:
        print_table(_list_tables(), format_)
    elif (name is None) == (sql is None):
        raise BadArguments(
            "give either the NAME of a query or --sql", hint="`ledger query --list` lists them"
        )
    else:
        folder = find_folder(ledger_dir)
        position = resolve_at(folder, at)
        if sql is not None:
            from ledger.store.sandbox import ask

            with progress("reading the journal") as report:
                table = ask(
                    folder, sql, at=position, rows=limit, seconds=seconds, on_progress=report
                )
        else:
            table = _run(find_query(name or ""), _pairs(parameters), folder, position)
        print_table(table, format_)


def _run(asked: Query, given: dict[str, Any], folder: Any, at: int | None) -> Table:  # noqa: ANN401
    from ledger.store.reader import open_reader

    asked.bind(given)
    with (
        progress("reading the journal") as report,
        open_reader(folder, at=at, on_progress=report) as db,
    ):
        return asked.run(db, given)


def _pairs(words: tuple[str, ...]) -> dict[str, str]:
    """`--name value` or `--name=value` words as a mapping."""
    pairs: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, has_value, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or (not has_value and not rest):
            raise BadArguments(
                f"{word!r} is no --param with a value", hint="ledger query NAME --help lists them"
            )
        pairs[name.replace("-", "_")] = value if has_value else rest.pop(0)
    return pairs


def _list_tables() -> Table:
    from ledger.projections import PROJECTIONS, VIEWS, Projection, View

    tables: tuple[Projection | View, ...] = (*PROJECTIONS, *VIEWS)
    rows = tuple(
        (table.name, column, type_, meaning)
        for table in tables
        for column, type_, meaning in table.columns
    )
    return Table(("table", "column", "type", "meaning"), rows)


def describe(asked: Query) -> str:
    """A query's page: what it answers, its parameters and columns, examples."""
    lines = [f"{asked.name}: {asked.help}", ""]
    if asked.parameters:
        lines.append("Parameters")
        for parameter in asked.parameters:
            need = ", required" if parameter.required else ""
            lines.append(f"  --{parameter.name}  {parameter.type}{need}: {parameter.help}")
        lines.append("")
    lines.append("Columns")
    width = max(len(name) for name, _ in asked.columns)
    lines += [f"  {name.ljust(width)}  {meaning}" for name, meaning in asked.columns]
    lines += ["", "Examples", *(f"  {example}" for example in asked.examples)]
    return "\n".join(lines)
