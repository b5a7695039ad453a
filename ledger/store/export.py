"""Tables and answers written as Parquet: rows in an order that the record alone decides.

The same record, program and version of DuckDB give the same bytes, on any number of threads.
`events` is in the order of positions as it lies in the database; that is checked in the file that
was written, and so is that none is missing.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from ledger.errors import BadArguments, IntegrityError, StoreFailed
from ledger.folder import Folder
from ledger.projections import PROJECTIONS, VIEWS, Projection, View
from ledger.queries import find_query
from ledger.store.catch_up import Progress
from ledger.store.reader import open_reader

if TYPE_CHECKING:
    import duckdb

#: DuckDB would write beside the file and rename; that is done already, by who calls.
_OPTIONS: Final = "(format parquet, compression zstd, use_tmp_file false)"
EVENTS: Final = "events"
_MEMBERS: Final[tuple[Projection | View, ...]] = (*PROJECTIONS, *VIEWS)
_TABLES: Final = {table.name: [name for name, *_ in table.columns] for table in _MEMBERS}


def table_names() -> tuple[str, ...]:
    """Every table and view that can be taken out."""
    return tuple(_TABLES)


def copy_table(
    folder: Folder,
    path: Path,
    name: str,
    limits: tuple[int, int],
    on_progress: Progress | None = None,
) -> tuple[int, str]:
    """Write the rows of a table from position to position, both included.

    Returns their number, and the chain value at the last position. Raises `BadArguments` for a
    table that is not there, `IntegrityError`, `StoreFailed`.
    """
    if name not in table_names():
        raise BadArguments(f"there is no table {name!r}", hint="`ledger query --tables` lists them")
    first, last = limits
    where = f"where position >= {first}" if "position" in _TABLES[name] else ""
    # The events lie in order, and sorting ten million of them would take longer than writing them.
    order = "" if name == EVENTS else "order by all"
    select = f"select * from {name} {where} {order}"  # noqa: S608 - a name of the list
    with open_reader(folder, at=last, on_progress=on_progress, output=path) as db:
        rows = _copy(db, select, path)
        if name == EVENTS:
            _check_order(db, path, limits)
        return rows, _chain_at(db, last)


def copy_query(
    folder: Folder,
    path: Path,
    name: str,
    parameters: Mapping[str, str],
    *,
    at: int,
    on_progress: Progress | None = None,
) -> tuple[int, str]:
    """Write the answer of a named query as the record stood after position `at`.

    Returns the number of rows, and the chain value there. Raises `BadArguments`, `StoreFailed`.
    """
    query = find_query(name)
    query.bind(parameters)
    with open_reader(folder, at=at, on_progress=on_progress, output=path) as db:
        # Its parameters become variables of the connection, which its SQL reads.
        attrs.evolve(query, sql="select 1 order by 1").run(db, parameters)
        return _copy(db, query.sql, path), _chain_at(db, at)


def _copy(db: "duckdb.DuckDBPyConnection", select: str, path: Path) -> int:
    """Write an answer; the number of its rows."""
    import duckdb

    quoted = str(path).replace("'", "''")
    try:
        row = db.execute(f"copy ({select}) to '{quoted}' {_OPTIONS}").fetchone()
    except duckdb.Error as error:
        raise StoreFailed(
            f"cannot write {path}: {str(error).splitlines()[0]}",
            hint="check the space and the permissions there",
        ) from error
    finally:
        shutil.rmtree(f"{path}.tmp", ignore_errors=True)
    return int(row[0]) if row else 0


def _check_order(db: "duckdb.DuckDBPyConnection", path: Path, limits: tuple[int, int]) -> None:
    quoted = str(path).replace("'", "''")
    row = db.execute(
        "select count(*), bool_and(position = file_row_number + ?) "  # noqa: S608 - quoted
        f"from read_parquet('{quoted}', file_row_number = true)",
        [limits[0]],
    ).fetchone()
    if row != (limits[1] + 1 - limits[0], True):
        raise IntegrityError(
            "the entries do not lie in the order of their positions in the database",
            hint="delete ledger.duckdb, which is rebuilt from the journal, and try again",
        )


def _chain_at(db: "duckdb.DuckDBPyConnection", position: int) -> str:
    row = db.execute("select chain from events where position = ?", [position]).fetchone()
    return str(row[0]) if row else ""
