"""The named queries: the list. The contract is in `base.py`, one SQL file a query."""

import difflib
from typing import Final

from ledger.errors import BadArguments
from ledger.queries.base import Parameter, Query, Table, read_query

QUERIES: Final = (
    "board",
    "board_history",
    "boards",
    "changes",
    "claims",
    "compare",
    "comparisons",
    "criteria",
    "curve",
    "curve_points",
    "epochs",
    "events",
    "evidence",
    "kinds",
    "measurements",
    "runs",
    "sections",
    "support",
    "trace",
    "verdicts",
)

__all__ = ["QUERIES", "Parameter", "Query", "Table", "find_query"]


def find_query(name: str) -> Query:
    """The query called `name`. Raises `BadArguments` with the nearest names."""
    if name in QUERIES:
        return read_query(name)
    near = difflib.get_close_matches(name, QUERIES, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`ledger query --list` lists them"
    raise BadArguments(f"there is no query {name!r}", hint=hint)
