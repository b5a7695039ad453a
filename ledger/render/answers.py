"""Answers of named queries that were given already: documents ask the same things many times over.

Where many runs are asked for one after the other, the query is asked once for all of them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ledger.queries import find_query

if TYPE_CHECKING:
    import duckdb

Rows = list[dict[str, Any]]
_Key = tuple[object, ...]
#: A longer answer is not kept.
_KEPT_ROWS: Final = 2_000
#: The answers for all runs together have at most so many rows; with more, each is asked for.
_GROUPED_ROWS: Final = 20_000


class Answers:
    """The answers over one record, of which nobody changes a row."""

    def __init__(self, db: "duckdb.DuckDBPyConnection") -> None:
        self.db = db
        self._kept: dict[_Key, Rows] = {}
        self._asked: set[_Key] = set()
        self._grouped: dict[_Key, dict[str, Rows] | None] = {}

    def ask(self, name: str, given: Mapping[str, object]) -> Rows:
        """The rows of a named query. Raises `BadArguments` as the query does."""
        key = _key(name, given)
        rows = self._kept.get(key)
        if rows is None:
            rows = self._out_of_all(name, given)
            if rows is None:
                rows = find_query(name).run(self.db, given).objects()
            if len(rows) <= _KEPT_ROWS:
                self._kept[key] = rows
        return rows

    def _out_of_all(self, name: str, given: Mapping[str, object]) -> Rows | None:
        """The rows out of the answers for all; None where this is the first that is asked for."""
        query = find_query(name)
        by = query.grouped_by
        value = given.get(by) if by is not None else None
        if not isinstance(value, str):
            return None
        others = {k: v for k, v in given.items() if k != by}
        key = _key(name, others)
        if key not in self._asked:
            self._asked.add(key)
            return None
        if key not in self._grouped:
            self._grouped[key] = query.run_grouped(self.db, others, _GROUPED_ROWS)
        groups = self._grouped[key]
        return None if groups is None else groups.get(value, [])


def _key(name: str, given: Mapping[str, object]) -> _Key:
    return (name, *sorted((k, repr(v)) for k, v in given.items()))
