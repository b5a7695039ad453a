"""What a projection is: a typed table that a query can read, and the SQL that folds events into it.

`select` reads a relation called `slice`, which has the columns of `events` and holds entries that
were not folded before, of versions that this program knows; `arrived` has the others too. Rows are
only ever added; the latest state is a question for a query. Every table begins with `position`, so
that a reader can ask for the record as it stood at any position.
"""

from typing import Final

import attrs

#: Columns of `events` and of `slice`.
EVENT_COLUMNS: Final = (
    ("position", "ubigint"),
    ("hash", "varchar"),
    ("chain", "varchar"),
    ("origin", "varchar"),
    ("branch", "varchar"),
    ("stream", "varchar"),
    ("stream_version", "ubigint"),
    ("kind", "varchar"),
    ("schema_version", "ubigint"),
    ("recorded_at", "timestamp"),
    ("actor", "varchar"),
    ("cites", "varchar[]"),
    ("entry", "varchar"),
)


@attrs.frozen(slots=True, kw_only=True)
class Projection:
    """One table: its columns as (name, type, meaning), and the select that fills it.

    `kinds` are the kinds of event that the select reads: it gives no row for any other, and is not
    run where none of them arrived. Null where it reads every kind. `compression` is for columns
    where DuckDB's own choice costs too much.
    """

    name: str
    columns: tuple[tuple[str, str, str], ...]
    select: str
    kinds: tuple[str, ...] | None = None
    compression: tuple[tuple[str, str], ...] = ()

    def create(self, table: str, *, temporary: bool = False) -> str:
        """The statement that makes the table under another name."""
        methods = {} if temporary else dict(self.compression)
        columns = ", ".join(
            f'"{name}" {type_}' + (f" using compression {methods[name]}" if name in methods else "")
            for name, type_, _ in self.columns
        )
        return f"create {'temp ' if temporary else ''}table {table} ({columns})"


@attrs.frozen(slots=True, kw_only=True)
class View:
    """A question that several queries ask, over the tables as they stood at a position."""

    name: str
    columns: tuple[tuple[str, str, str], ...]
    select: str

    def create(self) -> str:
        """The statement that makes it for one reader."""
        names = ", ".join(f'"{name}"' for name, _, _ in self.columns)
        return f"create temp view {self.name} ({names}) as {self.select}"
