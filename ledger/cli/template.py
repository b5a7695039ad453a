"""`ledger template`: list the documents, look for mistakes in templates, start a new one."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.base import json_option, print_table, say
from ledger.queries.base import Table

if TYPE_CHECKING:
    from ledger.render.base import Template

#: What `ledger template new` writes: one page over a query, or one page for each of its rows.
_PAGE = """---
output: {name}.md
queries:
  rows: {{query: {query}}}
---
{{% extends "ledger/parts/page.md.jinja" %}}
{{% block title %}}{name}{{% endblock %}}
{{% block body %}}
{{{{ table(rows, {columns}) }}}}
{{% endblock %}}
"""
_EACH = """---
output: {name}/{{{first}}}.md
for_each: rows
queries:
  rows: {{query: {query}}}
---
{{% extends "ledger/parts/page.md.jinja" %}}
{{% block title %}}{{{{ escape(item.{first}) }}}}{{% endblock %}}
{{% block body %}}
{{{{ table([item], {columns}) }}}}
{{% endblock %}}
"""


@click.group(
    epilog="Examples:\n\n\b\n  ledger template list\n  ledger template lint reports/\n"
    "  ledger template new losses --query measurements --in reports/"
)
def template() -> None:
    """Documents are Jinja templates over queries: list, check and start them."""


@template.command(
    "list",
    epilog="Examples:\n\n\b\n  ledger template list\n  ledger template list --templates reports/",
)
@click.option(
    "--templates",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Your own folder of templates, beside ours.",
)
@json_option
def list_(templates: Path | None, as_json: bool) -> int:
    """List what `ledger render` makes: template, output, queries."""
    from ledger.render.own import open_library

    rows = tuple(_row(found) for found in open_library(templates).templates)
    columns = ("template", "output", "for_each", "queries")
    print_table(Table(columns, rows), "json" if as_json else "table")
    return 0


def _row(found: "Template") -> tuple[object, ...]:
    queries = sorted({str(asked["query"]) for asked in found.queries.values()})
    return found.name, found.output, found.for_each, ", ".join(queries)


@template.command(
    epilog="Examples:\n\n\b\n  ledger template lint                # ours\n"
    "  ledger template lint reports/       # what reports/documents.yaml lists\n"
    "  ledger template lint reports/losses.md.j2 --json"
)
@click.argument("place", required=False, type=click.Path(exists=True, path_type=Path))
@json_option
def lint(place: Path | None, as_json: bool) -> int:
    """Say everything that is wrong with templates, with file and line; exit 1 where there is any.

    Syntax, names, queries and their parameters, columns, outputs. Nothing is rendered, and no
    ledger is needed.
    """
    from ledger.render.lint import lint as look

    found = look(place)
    if as_json:
        columns = ("file", "line", "check", "text")
        rows = tuple((f.file, f.line, f.check, f.text) for f in found)
        print_table(Table(columns, rows), "json")
    else:
        for finding in found:
            where = f"{finding.file}:{finding.line}" if finding.line else finding.file
            click.echo(f"{where}: {finding.check}: {finding.text}")
    say(f"{place or 'our templates'}: {len(found) or 'no'} finding{'' if len(found) == 1 else 's'}")
    return 1 if found else 0


@template.command(
    epilog="Examples:\n\n\b\n  ledger template new losses --query measurements --in reports/\n"
    "  ledger template new by-run --query runs --each --in reports/"
)
@click.argument("name")
@click.option("--query", required=True, metavar="QUERY", help="What it shows: `ledger query`.")
@click.option("--each", is_flag=True, help="One page for each row, named by the first column.")
@click.option(
    "--in",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder of templates; made where it is not there.",
)
def new(name: str, query: str, each: bool, folder: Path) -> int:
    """Start a template from a query, and list it in the folder's documents.yaml."""
    from ledger.errors import BadArguments
    from ledger.ids import is_id
    from ledger.queries import find_query
    from ledger.render.new import start_template

    if not is_id(name):
        raise BadArguments(f"{name!r} cannot be a name", hint="letters, digits, . _ + -")
    columns = [column for column, _ in find_query(query).columns]
    text = (_EACH if each else _PAGE).format(
        name=name, query=query, first=columns[0], columns=_listed(columns)
    )
    path = start_template(folder, f"{name}.md.j2", text)
    click.echo(str(path))
    say(f"next: edit it, then ledger render --templates {folder}")
    return 0


def _listed(columns: list[str]) -> str:
    return "[" + ", ".join(f'"{column}"' for column in columns) + "]"
