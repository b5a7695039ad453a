"""The typed tables that queries read: the list. The contract is in `base.py`.

A table is disposable: its content follows from the journal alone, and a change to any of these
files rebuilds the database.
"""

from typing import Final

from ledger.projections import events
from ledger.projections.attempts import ATTEMPTS
from ledger.projections.base import Projection, View
from ledger.projections.branches import IMPORTS, MERGES
from ledger.projections.comparisons import COMPARISON_POINTS, COMPARISONS
from ledger.projections.judgement import CONSTANTS, CRITERIA, MEASUREMENTS, ROW_NAMES, STATUSES
from ledger.projections.periods import ROW_PERIODS
from ledger.projections.runs import RUN_ENDS, RUNS
from ledger.projections.sections import (
    NEXT_ACTIONS,
    PUBLICATIONS,
    SECTION_REVISIONS,
    SPEC_VERSIONS,
    SUPERSESSIONS,
)
from ledger.projections.standing import (
    FALLEN,
    FATES,
    HYPOTHESES,
    MARKS,
    PREMISES,
    REFUTATIONS,
    SETS,
    SUSPECTS,
)
from ledger.projections.statements import BOARDS, CLAIMS, EDGES, SECTIONS
from ledger.projections.tally import TALLY_STATUSES
from ledger.projections.traces import TENSORS, TRACE_POINTS, TRACES
from ledger.projections.training import EPOCHS, STEP_METRICS, STEPS

PROJECTIONS: Final[tuple[Projection, ...]] = (
    events.PROJECTION,
    RUNS,
    RUN_ENDS,
    STEP_METRICS,
    EPOCHS,
    TRACES,
    TRACE_POINTS,
    TENSORS,
    COMPARISONS,
    COMPARISON_POINTS,
    MEASUREMENTS,
    CRITERIA,
    ROW_NAMES,
    STATUSES,
    CLAIMS,
    PREMISES,
    SETS,
    HYPOTHESES,
    REFUTATIONS,
    MARKS,
    SECTIONS,
    SECTION_REVISIONS,
    PUBLICATIONS,
    SUPERSESSIONS,
    NEXT_ACTIONS,
    IMPORTS,
    MERGES,
    EDGES,
    BOARDS,
)

#: What several queries ask of these tables, made anew for each reader.
VIEWS: Final[tuple[View, ...]] = (
    STEPS,
    CONSTANTS,
    ATTEMPTS,
    TALLY_STATUSES,
    ROW_PERIODS,
    SPEC_VERSIONS,
    FATES,
    FALLEN,
    SUSPECTS,
)

__all__ = ["PROJECTIONS", "VIEWS", "Projection", "View"]
