"""The `*.reported` family: what others stated elsewhere, taken in as stated.

Provenance is asserted by definition. Such events are checked for form only and are never refused
by a rule of judgement: a false statement that was made is a fact about the past. The board shows
them as reported, and `audit` examines them.
"""

from typing import Any, Literal

import attrs

from ledger.events.base import Event, Number, event

_STREAM = "import/*"
#: What a stated quantity can be; text is kept apart, in `rest`.
Stated = bool | Number | tuple[Number, ...] | dict[str, Number]


@attrs.frozen(slots=True, kw_only=True)
class Source:
    """Where a reported statement stands, to the line."""

    file_sha256: str
    """Digest of the file, 64 hex digits."""
    line: int
    """Line of the file, 1-based."""
    line_sha256: str
    """Digest of the line without its newline, 64 hex digits."""


@attrs.frozen(slots=True, kw_only=True)
class Reported(Event):
    """The fields that all reported statements share."""

    subject: str
    """What the statement is about, by the name its authors used."""
    topic: str | None
    """What the authors called this kind of statement; null for one recorded by hand."""
    said_on: str | None
    """Day of the statement, YYYY-MM-DD, as far as known."""
    section: str | None
    """Section of the document that states it."""
    spec_version: str | None
    """Version of the document at the time."""
    document: str | None
    """The document, as its authors name it."""
    source: Source | None
    """The imported line; null for a statement recorded by hand."""
    rest: dict[str, Any]
    """Everything stated that has no field of its own, and each field stated to be null."""


@event("note.reported", version=1, family="reported", stream=_STREAM)
class NoteReported(Reported):
    """A line of a history that has no kind of its own, kept whole in `rest`."""


@event("criterion.reported", version=1, family="reported", stream=_STREAM)
class CriterionReported(Reported):
    """A criterion, gate or invariant that others declared."""

    row_family: Literal["criterion", "gate", "invariant"]
    """Which of the three."""
    title: str
    """What is demanded, in words."""
    model: str | None
    """The model it is listed under."""
    falsifier: str | None
    """The row that carries it on the board, where that is another name."""
    alias: str | None
    """A third name for the same row."""
    metric: str | None
    """Name of the measured quantity."""
    operator: str | None
    """How the value must stand to the threshold."""
    threshold: bool | int | float | str | tuple[Number, ...] | None
    """The threshold as stated."""
    unit: str | None
    """Its unit."""
    blocking: bool | None
    """Whether shipping waits for it; null where not said."""


@event("claim.reported", version=1, family="reported", stream=_STREAM)
class ClaimReported(Reported):
    """A claim that others stated."""

    text: str
    """The claim in words."""
    commit: str | None
    """The commit it rests on."""
    evidence: dict[str, Any] | None
    """Numbers given with it, by name."""


@event("verdict.reported", version=1, family="reported", stream=_STREAM)
class VerdictReported(Reported):
    """A status that others gave to a row or claim."""

    status: str
    """The status as stated."""
    from_status: str | None
    """The status before, as stated."""
    evidence_class: str | None
    """What stood behind it, in the authors' words."""
    inferred: bool | None
    """Whether a reader of the history inferred it, and not its authors; null where not said."""
    branch_only: bool | None
    """Whether it stood on an unmerged branch at the time; null where not said."""
    threshold: Number | None
    """The threshold named with it."""
    observed: Number | None
    """The value named with it."""


@event("board.reported", version=1, family="reported", stream=_STREAM)
class BoardReported(Reported):
    """A tally that others published."""

    partial: int
    """Rows published as PARTIAL."""
    discharged: int
    """Rows published as DISCHARGED."""
    total: int | None
    """Rows published in all, where said."""
    restated: bool | None
    """Whether restated at this version or carried from the one before; null where not said."""


@event("section.reported", version=1, family="reported", stream=_STREAM)
class SectionReported(Reported):
    """A section that others registered in their specification."""

    from_version: str | None
    """Version before."""
    to_version: str | None
    """Version after."""
    title: str
    """Title as given."""


@event("contract.reported", version=1, family="reported", stream=_STREAM)
class ContractReported(Reported):
    """A contract file that others registered."""

    contract_version: str | None
    """Version of the contract."""
    status: str
    """Status as stated."""


@event("run.reported", version=1, family="reported", stream=_STREAM)
class RunReported(Reported):
    """A run that others started, with the settings they stated."""

    model: str | None
    """The model."""
    device: str | None
    """The device they named."""
    seed: int | None
    """The seed they named."""
    vocabulary: int | None
    """Size of the vocabulary in tokens."""
    sequence_length: int | None
    """Sequence length in tokens."""
    batch: int | None
    """Sequences in a batch."""


@event("outcome.reported", version=1, family="reported", stream=_STREAM)
class OutcomeReported(Reported):
    """How a run of others ended."""

    status: str | None
    """The end as stated."""
    best_loss: Number | None
    """Best held-out loss stated, in nats a token."""


@event("epoch.reported", version=1, family="reported", stream=_STREAM)
class EpochReported(Reported):
    """One epoch of a run of others."""

    run: str
    """The run."""
    epoch: int
    """Number of the epoch, 0-based."""
    train_loss: Number | None
    """Training loss, nats a token."""
    val_loss: Number | None
    """Held-out loss, nats a token."""
    wall_seconds: Number | None
    """Wall time in seconds."""
    tokens_seen: int | None
    """Tokens seen up to its end."""
    grad_norm_max: Number | None
    """Largest gradient norm before clipping."""
    optimizer_state_sha: str | None
    """Digest of the optimizer state, as stated."""


@event("step.reported", version=1, family="reported", stream=_STREAM)
class StepReported(Reported):
    """One training step of a run of others."""

    run: str
    """The run."""
    step: int
    """Number of the step, 0-based."""
    metrics: dict[str, Number]
    """Value by metric."""


@event("trace.reported", version=1, family="reported", stream=_STREAM)
class TraceReported(Reported):
    """Activation statistics that others published for one layer or point."""

    engine: str | None
    """The engine they named."""
    scope: str | None
    """Which tokens the statistics cover, as stated; null where not said."""
    layer: int | None
    """Layer; null for the model's own points."""
    point: str | None
    """The point, where the statement speaks of one only."""
    statistics: dict[str, Number | dict[str, Number]]
    """Statistics by point as stated; of the one point, or by statistic where they gave one."""
    capture: dict[str, str] | None
    """What they said of the capture points, such as before or after the bias."""


@event("comparison.reported", version=1, family="reported", stream=_STREAM)
class ComparisonReported(Reported):
    """Two tensors or statistics that others compared."""

    layer: int | None
    """Layer; null where not said."""
    point: str | None
    """Tensor or capture point; null where not said."""
    scope_a: str | None
    """Which tokens the first side covers."""
    scope_b: str | None
    """Which tokens the second side covers."""
    numbers: dict[str, Stated]
    """The numbers stated, by name."""


@event("measurement.reported", version=1, family="reported", stream=_STREAM)
class MeasurementReported(Reported):
    """Numbers that others measured, without a run this ledger knows."""

    numbers: dict[str, Stated]
    """The numbers stated, by name."""


@event("edge.reported", version=1, family="reported", stream=_STREAM)
class EdgeReported(Reported):
    """A dependence that others stated: one thing blocks, discharges or supports another."""

    from_name: str
    """Where the edge begins."""
    to_name: str
    """Where it ends."""
    relation: str
    """What it says, such as blocked_by."""


@event("threshold.reported", version=1, family="reported", stream=_STREAM)
class ThresholdReported(Reported):
    """A threshold that others moved."""

    old: Number
    """Before."""
    new: Number
    """After."""


@event("publication.reported", version=1, family="reported", stream=_STREAM)
class PublicationReported(Reported):
    """An artifact that others published."""

    value: Number | None
    """The number they published with it."""
