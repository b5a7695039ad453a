"""Contracts on record: their versions, and how the rows of one stand."""

import json
from typing import TYPE_CHECKING, Final

from ledger.errors import BadArguments
from ledger.folder import Folder
from ledger.queries import Table, find_query

if TYPE_CHECKING:
    import duckdb

_CONTRACTS: Final = """
select entry->>'$.body.contract' as contract, entry->>'$.body.version' as version,
       entry->>'$.body.title' as title, entry->>'$.body.model' as model,
       json_array_length(entry->'$.body.rows')::integer as rows,
       position = max(position) over (partition by entry->>'$.body.contract', origin) as in_force,
       entry->>'$.body.file' as file, hash, position, entry->'$.body.rows' as names
from events e
where kind = 'contract.added' and origin = ?
  and not exists (from off_main o where e.position between o.first and o.last)
order by contract, e.position
"""
_COLUMNS: Final = (
    "contract", "version", "title", "model", "rows", "in_force", "file", "hash", "position",
)  # fmt: skip
_ROWS: Final = (
    "row", "family", "title", "metric", "status", "standing", "value", "evidence", "blocking",
    "post_hoc", "position",
)  # fmt: skip


def list_contracts(folder: Folder, at: int | None) -> Table:
    """Every version of every contract on the main line, as the record stands or stood."""
    from ledger.store.reader import open_reader

    with open_reader(folder, at=at) as db:
        return Table(_COLUMNS, tuple(row[:-1] for row in _ask(db, folder)))


def show_contract(folder: Folder, name: str, at: int | None) -> tuple[dict[str, object], Table]:
    """A version of a contract (NAME is the one in force), and its rows as they stand.

    Raises `BadArguments` where there is none.
    """
    from ledger.store.reader import open_reader

    contract, _, version = name.partition("@")
    with open_reader(folder, at=at) as db:
        versions = [row for row in _ask(db, folder) if row[0] == contract]
        found = [row for row in versions if not version or row[1] == version]
        if not found:
            known = ", ".join(str(row[1]) for row in versions)
            raise BadArguments(
                f"there is no contract {name} on record",
                hint=f"versions of {contract}: {known}" if known else "`ledger contract list`",
            )
        board = find_query("board").run(db, {"reported": "no"}).objects()
    *head, names = found[-1]
    by_name = {row["row"]: row for row in board}
    rows = [by_name[row] for row in json.loads(str(names)) if row in by_name]
    table = Table(_ROWS, tuple(tuple(row[column] for column in _ROWS) for row in rows))
    return dict(zip(_COLUMNS, head, strict=True)), table


def _ask(db: "duckdb.DuckDBPyConnection", folder: Folder) -> list[tuple[object, ...]]:
    return db.execute(_CONTRACTS, [folder.origin]).fetchall()
