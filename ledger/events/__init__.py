"""Every event kind this program knows: the list. The contract is in `base.py`.

ledger.py     created, gaps, notes              criterion.py  criteria and verdicts
claim.py      claims, tests, sets, edges        contract.py   contracts and constants
status.py     moves, refutations, marks         artifact.py   made, published, compared
branch.py     taken over, merged                redaction.py  values withheld
run.py        runs, steps, traces, numbers      reported.py   what others stated elsewhere
floor.py      floors, and what is beyond one    section.py    sections and next actions
training.py   checkpoints, going on from one
"""

import difflib
from typing import Any, Final

from ledger.errors import Malformed
from ledger.events.artifact import ArtifactMade, ArtifactPublished, PairCompared
from ledger.events.base import FAMILIES, Event, Kind, UnknownEvent
from ledger.events.branch import BranchImported, BranchMerged
from ledger.events.claim import ClaimStated, ClaimTested, EdgeStated, MemberAdded
from ledger.events.contract import ConstantDeclared, ContractAdded
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.floor import BisectionMade, FloorMeasured
from ledger.events.form import parse_body
from ledger.events.ledger import GapFound, LedgerCreated, NoteAdded
from ledger.events.redaction import BlobWithheld
from ledger.events.reported import (
    BoardReported,
    ClaimReported,
    ComparisonReported,
    ContractReported,
    CriterionReported,
    EdgeReported,
    EpochReported,
    MeasurementReported,
    NoteReported,
    OutcomeReported,
    PublicationReported,
    RunReported,
    SectionReported,
    StepReported,
    ThresholdReported,
    TraceReported,
    VerdictReported,
)
from ledger.events.run import (
    ComparisonMade,
    FileKept,
    MeasurementTaken,
    NodesCompared,
    RunFailed,
    RunFinished,
    RunStarted,
    StepTaken,
    TensorsKept,
    TraceCaptured,
)
from ledger.events.section import (
    NextActionDone,
    NextActionStated,
    SectionEdited,
    SectionOpened,
    SectionPublished,
    SectionSuperseded,
)
from ledger.events.status import ClaimMoved, EntryRefuted, RowMoved, RunMarked
from ledger.events.training import CheckpointWritten, RunResumed

EVENTS: Final[tuple[type[Event], ...]] = (
    LedgerCreated,
    GapFound,
    NoteAdded,
    ClaimStated,
    ClaimTested,
    MemberAdded,
    EdgeStated,
    BranchImported,
    BranchMerged,
    CriterionDeclared,
    VerdictGiven,
    ContractAdded,
    ConstantDeclared,
    RowMoved,
    ClaimMoved,
    EntryRefuted,
    RunMarked,
    ArtifactMade,
    ArtifactPublished,
    PairCompared,
    RunStarted,
    RunFinished,
    RunFailed,
    RunResumed,
    StepTaken,
    CheckpointWritten,
    MeasurementTaken,
    FileKept,
    TraceCaptured,
    TensorsKept,
    NodesCompared,
    ComparisonMade,
    FloorMeasured,
    BisectionMade,
    BlobWithheld,
    SectionOpened,
    SectionEdited,
    SectionPublished,
    SectionSuperseded,
    NextActionStated,
    NextActionDone,
    NoteReported,
    CriterionReported,
    ClaimReported,
    VerdictReported,
    BoardReported,
    SectionReported,
    ContractReported,
    RunReported,
    OutcomeReported,
    EpochReported,
    StepReported,
    TraceReported,
    ComparisonReported,
    MeasurementReported,
    EdgeReported,
    ThresholdReported,
    PublicationReported,
)

KINDS: Final[dict[str, Kind]] = {event.KIND.name: event.KIND for event in EVENTS}

__all__ = ["EVENTS", "FAMILIES", "KINDS", "find_kind", "read_event"]


def find_kind(name: str) -> Kind:
    """The kind called `name`. Raises `Malformed` with the nearest known names."""
    if name in KINDS:
        return KINDS[name]
    near = difflib.get_close_matches(name, KINDS, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`ledger record --list` lists them"
    raise Malformed(f"there is no event kind {name!r}", hint=hint)


def read_event(kind: str, schema_version: int, body: dict[str, Any]) -> Event | UnknownEvent:
    """The typed event of a recorded body, older versions brought up to date.

    A kind or version from a later program comes back as `UnknownEvent`.
    """
    known = KINDS.get(kind)
    if known is None or schema_version > known.version:
        return UnknownEvent(kind=kind, schema_version=schema_version, body=body)
    return parse_body(known, known.upcast(body, schema_version))
