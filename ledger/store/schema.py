"""Tables of the database file, made from the projections."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ledger.events import KINDS
from ledger.projections import PROJECTIONS

if TYPE_CHECKING:
    import duckdb

_BOOKKEEPING: Final = (
    "create table ingest_state (position ubigint, segment ubigint, file_offset ubigint, "
    "chain varchar, schema_digest varchar)",
    "create table refusals (reason varchar)",
)


def statements() -> Iterator[str]:
    """Every statement that makes an empty database."""
    yield from _BOOKKEEPING
    for projection in PROJECTIONS:
        yield projection.create(projection.name)
    for action in ("update", "delete"):
        # A trigger's body must be an insert; its select raises before anything is inserted.
        yield (
            f"create trigger no_{action} before {action} on events for each statement "
            "insert into refusals select error('events is append-only')"
        )


def known_versions() -> str:
    """The condition on events that projections see: none of a version newer than this program.

    Such an entry is kept in `events`; once the program knows the version, the digest changes.
    """
    cases = " ".join(f"when '{name}' then {kind.version}" for name, kind in sorted(KINDS.items()))
    return f"schema_version <= case kind {cases} else schema_version end"


def slice_of(source: str, origin: str) -> str:
    """The select behind `slice`, over a relation with the columns of `events`.

    `whose` stands before every name that an entry gives (`ledger.ids.qualify`): it is empty for
    entries of this ledger, and `ORIGIN:` for those of others.
    """
    return (
        f"select *, if(origin = '{origin}', '', origin || ':') as whose "  # noqa: S608
        f"from {source} where {known_versions()}"
    )


def schema_digest() -> str:
    """Digest of everything that shapes the tables: another digest means rebuild."""
    folds = (f"{projection.kinds}\n{projection.select}" for projection in PROJECTIONS)
    text = "\n".join((*statements(), *folds, slice_of("arrived", "")))
    return hashlib.sha256(text.encode()).hexdigest()


def create_tables(db: "duckdb.DuckDBPyConnection", chain_start: str) -> None:
    """Make all tables in an empty database and note that nothing is folded yet."""
    for statement in statements():
        db.execute(statement)
    db.execute("insert into ingest_state values (0, 0, 0, ?, ?)", [chain_start, schema_digest()])
