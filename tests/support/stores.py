"""Looks at the database file, and the tasks of processes that share it."""

from pathlib import Path

from ledgers import lines_of

from ledger.entry import entry_hash, format_hash
from ledger.folder import Folder
from ledger.store.catch_up import connect


def stored(folder: Folder) -> list[tuple[int, str, str, bytes]]:
    """Every row of `events` in the file itself: position, hash, chain, entry."""
    with connect(folder.database, read_only=True) as db:
        return db.execute(
            "select position, hash, chain, encode(entry) from events order by position"
        ).fetchall()


def journalled(folder: Folder) -> list[tuple[int, str, str, bytes]]:
    """What the file should hold, computed from the journal by the record's own reader."""
    return [
        (line.position, format_hash(entry_hash(line.entry)), line.chain.hex(), line.entry)
        for line in lines_of(folder)
    ]


def database_files(folder: Folder) -> list[Path]:
    """Every file that belongs to the database."""
    return sorted(folder.path.glob("ledger.duckdb*"))
