"""The named queries: the list. The contract is in `base.py`, one SQL file a query."""

import difflib
from typing import Final

from ledger.errors import BadArguments
from ledger.queries.base import Parameter, Query, Table, read_query

QUERIES: Final = (
    "baselines",
    "bisections",
    "board",
    "board_history",
    "board_replay",
    "board_versions",
    "boards",
    "cell_marks",
    "cells",
    "changes",
    "claim_chain",
    "claims",
    "compare",
    "comparisons",
    "criteria",
    "curve",
    "curve_points",
    "discharges",
    "entries",
    "epochs",
    "events",
    "evidence",
    "evidence_graph",
    "floors",
    "impact",
    "kinds",
    "measurements",
    "replay_places",
    "replay_statements",
    "run_baselines",
    "run_epochs",
    "run_first_losses",
    "run_results",
    "run_series",
    "run_settings",
    "run_state_hashes",
    "run_step_counts",
    "run_steps",
    "runs",
    "section_actions",
    "section_gaps",
    "section_list",
    "section_pages",
    "section_revisions",
    "sections",
    "stale",
    "step_cells",
    "support",
    "tensors",
    "trace",
    "verdicts",
    "versions",
    "what_if",
)

__all__ = ["QUERIES", "Parameter", "Query", "Table", "find_query"]


def find_query(name: str) -> Query:
    """The query called `name`. Raises `BadArguments` with the nearest names."""
    if name in QUERIES:
        return read_query(name)
    near = difflib.get_close_matches(name, QUERIES, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`ledger query --list` lists them"
    raise BadArguments(f"there is no query {name!r}", hint=hint)
