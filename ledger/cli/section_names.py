"""How a section is named on a command line, and asked for: by its number or its short name."""

import contextlib
import difflib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.base import progress
from ledger.errors import BadArguments, LedgerError
from ledger.folder import Folder, find_folder

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]


def complete_name(ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    """Numbers and short names of sections that begin so; nothing where there is no ledger."""
    with contextlib.suppress(LedgerError):
        rows = ask(find_folder(ctx.params.get("ledger_dir")), "section_list")
        names = [str(row[key]) for row in rows for key in ("section", "slug")]
        return [name for name in names if name.startswith(start)]
    return []


@contextlib.contextmanager
def reading(folder: Folder, at: int | None = None) -> Iterator["duckdb.DuckDBPyConnection"]:
    """The record for questions, with progress where it is long."""
    from ledger.store.reader import open_reader

    with (
        progress("reading the journal") as report,
        open_reader(folder, at=at, on_progress=report) as db,
    ):
        yield db


def ask(folder: Folder, query: str, at: int | None = None, **given: object) -> list[Row]:
    """The rows of a named query."""
    from ledger.queries import find_query

    with reading(folder, at) as db:
        return find_query(query).run(db, given).objects()


def find_section(folder: Folder, name: str, at: int | None = None) -> Row:
    """The section of this number or short name. Raises `BadArguments` with the nearest names."""
    rows = ask(folder, "section_list", at)
    word = name.removeprefix("§")
    numbered = re.fullmatch(r"0*(\d{1,18})(?:-.*)?", word)
    found = [row for row in rows if row["slug"] == word]
    found = found or [row for row in rows if numbered and row["section"] == numbered[1]]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadArguments(
            f"{name} is the short name of several sections",
            hint=f"give the number: {', '.join(str(row['section']) for row in found)}",
        )
    slugs = [str(row["slug"]) for row in rows]
    near = [slug for slug in slugs if word and slug.startswith(word)][:3]
    near = near or difflib.get_close_matches(word, slugs, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`ledger section list` lists them"
    raise BadArguments(f"there is no section {name!r}", hint=hint)


def number_of(row: Row) -> int:
    """The number of a section of this ledger. Raises `BadArguments` for another's."""
    if ":" in str(row["section"]):
        raise BadArguments(
            f"section {row['section']} is of another ledger", hint="it is changed there"
        )
    return int(row["section"])
