"""Events of a run: what an executor did, on which device, and what it measured."""

from collections.abc import Iterable
from typing import Any, Literal

from ledger import ids
from ledger.events.base import BlobDigest, EntryHash, Event, Number, Provenance, event


@event("run.started", version=1, family="instrument", stream="run/{run}")
class RunStarted(Event):
    """An executor began: what it was asked to do and what it found itself on."""

    run: str
    """Name of the run, allocated by the ledger, such as trace-0001."""
    executor: str
    """Name of the executor."""
    program: str
    """Program and version that runs it."""
    provenance: Provenance
    """Where the numbers of this run come from; synthetic for scripted ones."""
    arguments: dict[str, Any]
    """What was asked for, as given."""
    inputs: dict[str, str]
    """Digest of each input by role, such as model or tokens."""
    model: dict[str, Any]
    """Model facts: name, architecture, container, size_bytes, parameters; empty if none."""
    device_asked: str | None
    """The device as asked for: cpu, cuda, cuda:N or auto; null where none is involved."""
    device_observed: str | None
    """The device that computed, as observed."""
    device_reason: str | None
    """Why this device."""
    dtype: str | None
    """The type in which it computes, such as float32."""
    dtype_reason: str | None
    """Why this type."""
    compiler: str | None
    """The compiler that made the kernels, with its version."""
    environment: dict[str, Any]
    """Versions and settings that could change the numbers, by name."""
    seed: int | None
    """Random seed; null where nothing is drawn."""

    def problems(self) -> Iterable[str]:
        """A run has a name that can be a stream."""
        if not ids.is_id(self.run):
            yield f"run: {self.run!r} cannot name a run (letters, digits, . _ + -)"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The run exists, and its number is taken."""
        yield (f"run/{self.run}", "started")
        yield (f"provenance/{self.run}", self.provenance)
        prefix, _, number = self.run.rpartition("-")
        if prefix and number.isdigit():
            yield (f"allocated/{prefix}", number)


@event("run.finished", version=1, family="instrument", stream="run/{run}")
class RunFinished(Event):
    """An executor came to its end."""

    run: str
    """The run."""
    wall_ms: int | float
    """Wall time from start to end in milliseconds."""
    entries: int
    """Entries recorded by this run, run.started and this one included."""

    def standings(self) -> Iterable[tuple[str, str]]:
        """The run is over."""
        return ((f"run/{self.run}", "finished"),)


@event("run.failed", version=1, family="instrument", stream="run/{run}")
class RunFailed(Event):
    """An executor could not go on."""

    run: str
    """The run."""
    wall_ms: int | float
    """Wall time from start to failure in milliseconds."""
    error: str
    """Name of the error."""
    reason: str
    """Its message."""

    def standings(self) -> Iterable[tuple[str, str]]:
        """The run is over."""
        return ((f"run/{self.run}", "failed"),)


@event("step.taken", version=1, family="instrument", stream="run/{run}")
class StepTaken(Event):
    """One training step."""

    run: str
    """The run."""
    step: int
    """Number of the step, 0-based."""
    provenance: Provenance
    """Where the metrics come from."""
    metrics: dict[str, Number]
    """Value by metric; the unit stands last in a metric's name where it has one."""


@event("measurement.taken", version=1, family="instrument", stream="run/{run}")
class MeasurementTaken(Event):
    """One number, with its unit, where it came from and what it may be compared with."""

    run: str | None
    """The run that measured it; null for an asserted number."""
    metric: str
    """Name of the quantity."""
    value: Number | bool | str
    """The value."""
    unit: str | None
    """Unit of the value; null only for a truth value or text."""
    provenance: Provenance
    """measured, derived (its cites say from what), asserted or synthetic."""
    key: dict[str, Any]
    """The comparability key: model, engine, tokens, device … Unequal keys do not compare."""

    def problems(self) -> Iterable[str]:
        """Numbers carry units; measured ones come from a run."""
        is_number = not isinstance(self.value, (bool, str)) or self.value in _NOT_FINITE
        if is_number and not self.unit:
            yield "unit: a number needs a unit (`count`, `ratio`, `nats`, …)"
        if self.provenance in ("measured", "derived") and self.run is None:
            yield f"run: a {self.provenance} number names the run that produced it"

    def listings(self) -> Iterable[str]:
        """A result of its metric: a threshold that moves after it was seen is post hoc."""
        return (f"results/{self.metric}",)


_NOT_FINITE = ("NaN", "Infinity", "-Infinity")


@event("file.kept", version=1, family="instrument", stream="run/{run}")
class FileKept(Event):
    """A small file that a run made was kept as evidence: a manifest, a text, a table."""

    run: str
    """The run."""
    name: str
    """Name of the file, such as manifest.json."""
    blob: BlobDigest
    """Its bytes."""
    size_bytes: int
    """Its size."""

    def problems(self) -> Iterable[str]:
        """A name and a size."""
        if not self.name or not self.name.isprintable() or "/" in self.name:
            yield f"name: {self.name!r} cannot name a file"
        if self.size_bytes < 0:
            yield f"size_bytes: {self.size_bytes} is below 0"


@event("trace.captured", version=1, family="instrument", stream="run/{run}")
class TraceCaptured(Event):
    """Statistics of every capture point of one forward pass, and the digest of the full record.

    A trace whose table would not fit into one entry is recorded in `parts` entries.
    """

    run: str
    """The run."""
    provenance: Provenance
    """measured, unless the activations were made up."""
    part: int
    """Which part of the table this is, 0-based."""
    parts: int
    """How many parts the table has."""
    identity: dict[str, Any]
    """What must be equal for a comparison, without its points (spec/formats/trace.md)."""
    identity_digest: str
    """Digest of the whole identity as canonical JSON."""
    path: dict[str, Any]
    """How the numbers were computed; differences are listed by a comparison."""
    path_digest: str
    """Digest of the path as canonical JSON."""
    columns: tuple[str, ...]
    """Names of the statistics, in order."""
    points: tuple[tuple[str, int | None, int, int], ...]
    """Capture points of this part: point, layer (null for the model's own), width, rows."""
    all_rows: tuple[tuple[Number, ...], ...]
    """Statistics over all rows, one list for each point, in the order of `columns`."""
    last_row: tuple[tuple[Number, ...], ...]
    """Statistics over the last row alone, likewise."""
    kept_rows: tuple[int, ...]
    """Positions of the rows kept in the blob, ascending."""
    blob: BlobDigest
    """Row statistics and sketches of the kept rows (spec/formats/trace.md)."""

    def problems(self) -> Iterable[str]:
        """One row of statistics for each point."""
        if not len(self.points) == len(self.all_rows) == len(self.last_row):
            yield "points, all_rows and last_row: unequal lengths"
        for rows in (self.all_rows, self.last_row):
            if any(len(row) != len(self.columns) for row in rows):
                yield "all_rows, last_row: a row does not have one value for each column"
                break


@event("tensors.kept", version=1, family="instrument", stream="run/{run}")
class TensorsKept(Event):
    """Full activations of a trace, one blob each; kept on request only."""

    run: str
    """The run that traced."""
    provenance: Provenance
    """measured, unless the activations were made up."""
    part: int
    """Which part of the table this is, 0-based."""
    parts: int
    """How many parts the table has."""
    identity_digest: str
    """Digest of the identity of the trace (spec/formats/trace.md)."""
    tensors: tuple[tuple[str, int | None, int, int], ...]
    """Capture points of this part: point, layer (null for the model's own), tokens, width."""
    blobs: tuple[BlobDigest, ...]
    """One NumPy file of float32 [tokens, width] for each, in the same order."""

    def problems(self) -> Iterable[str]:
        """One blob for each point."""
        if len(self.tensors) != len(self.blobs):
            yield "tensors and blobs: unequal lengths"


@event("comparison.made", version=1, family="instrument", stream="run/{run}")
class ComparisonMade(Event):
    """Two traces held against each other, point by point.

    A comparison whose table would not fit into one entry is recorded in `parts` entries.
    """

    run: str
    """The run that compared."""
    provenance: Literal["derived"]
    """Always derived: the cites are the two traces."""
    part: int
    """Which part of the table this is, 0-based."""
    parts: int
    """How many parts the table has."""
    run_a: str
    """The run of the first trace, the reference."""
    run_b: str
    """The run of the second trace."""
    trace_a: EntryHash
    """The first trace."""
    trace_b: EntryHash
    """The second trace."""
    result: Literal["equal", "differs", "expected", "over_floor", "no_floor", "incomparable"]
    """The answer (spec/formats/trace.md)."""
    identity_differences: tuple[dict[str, Any], ...]
    """Field, both values and the fix, for each identity field that differs."""
    path_differences: tuple[dict[str, Any], ...]
    """Field and both values, for each path field that differs."""
    threshold: Number
    """Row distance above which a point counts as divergent."""
    first_divergence: dict[str, Any] | None
    """Point, layer, row and distance of the first divergent point; null if there is none."""
    columns: tuple[str, ...]
    """Names of the values in `rows`, after point and layer."""
    points: tuple[tuple[str, int | None], ...]
    """Points of this part: point, layer."""
    rows: tuple[tuple[Any, ...], ...]
    """Values for each point, in the order of `columns`."""


@event("nodes.compared", version=1, family="instrument", stream="run/{run}")
class NodesCompared(Event):
    """A pass held against the nodes that another program printed of the same pass."""

    run: str
    """The run."""
    provenance: Provenance
    """derived: the other side's numbers are what it says they are."""
    part: int
    """Which part of the table this is, 0-based."""
    parts: int
    """How many parts the table has."""
    program: str
    """The program that printed, as the caller names it."""
    printed: BlobDigest
    """What it printed, byte for byte."""
    path: dict[str, Any]
    """How our numbers were computed (spec/formats/trace.md)."""
    columns: tuple[str, ...]
    """Names of the numbers of a row, in order."""
    points: tuple[tuple[str, int | None, str], ...]
    """Capture point, layer, and the name of the node."""
    rows: tuple[tuple[Number, ...], ...]
    """The numbers of each, in the order of `columns`."""
    missing: tuple[tuple[str, int | None], ...]
    """Points that no node was printed of; only where a part was asked for."""

    def problems(self) -> Iterable[str]:
        """One row of numbers for each point."""
        if len(self.points) != len(self.rows):
            yield "points and rows: unequal lengths"
        if any(len(row) != len(self.columns) for row in self.rows):
            yield "rows: a row does not have one value for each column"
