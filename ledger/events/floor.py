"""Events about how far sound passes are apart: floors, and which stage is beyond its own."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from ledger.events.base import BlobDigest, EntryHash, Event, Number, event


def _table_problems(
    columns: Sequence[str], points: Sequence[object], rows: Sequence[Sequence[object]]
) -> Iterable[str]:
    """One row for each point, one value for each column."""
    if len(points) != len(rows):
        yield "points and rows: unequal lengths"
    if any(len(row) != len(columns) for row in rows):
        yield "rows: a row does not have one value for each column"


@event("floor.measured", version=1, family="instrument", stream="run/{run}")
class FloorMeasured(Event):
    """How far two passes are apart at each point because their paths differ, and only so.

    A floor whose table would not fit into one entry is recorded in `parts` entries.
    """

    run: str
    """The run that measured it."""
    provenance: Literal["measured"]
    """Always measured: both paths were computed in this run."""
    part: int
    """Which part of the table this is, 0-based."""
    parts: int
    """How many parts the table has."""
    model_a: str
    """Digest of the model file of path a."""
    model_b: str
    """Digest of the model file of path b; the same where only the path differs."""
    path_a: dict[str, Any]
    """How path a computes (spec/formats/trace.md)."""
    path_b: dict[str, Any]
    """How path b computes."""
    path_differences: tuple[dict[str, Any], ...]
    """Field and both values, for each path field that differs: what the floor is for."""
    prompts: BlobDigest
    """The prompts as a JSON list of lists of token ids."""
    tokens: tuple[int, ...]
    """How many tokens each prompt has."""
    columns: tuple[str, ...]
    """Names of the values in `rows`: floors, then the distances they were made from."""
    points: tuple[tuple[str, int | None], ...]
    """Points of this part: point, layer."""
    rows: tuple[tuple[Number, ...], ...]
    """Row distances for each point, in the order of `columns`."""

    def problems(self) -> Iterable[str]:
        """A table is rectangular."""
        return _table_problems(self.columns, self.points, self.rows)


@event("bisection.made", version=1, family="instrument", stream="run/{run}")
class BisectionMade(Event):
    """Which stage of a pass is the first to differ by itself, with the scores of every stage.

    A bisection whose table would not fit into one entry is recorded in `parts` entries.
    """

    run: str
    """The run that bisected."""
    provenance: Literal["measured", "asserted"]
    """measured; asserted where the reference is a folder of somebody else's activations."""
    part: int
    """Which part of the table this is, 0-based."""
    parts: int
    """How many parts the table has."""
    path_a: dict[str, Any]
    """How the reference was computed (spec/formats/trace.md)."""
    path_b: dict[str, Any]
    """How the other side was."""
    path_differences: tuple[dict[str, Any], ...]
    """Field and both values, for each path field that differs."""
    tokens: str
    """Digest of the token ids."""
    floor: EntryHash | None
    """The floor that limits are three times of; null where none was used."""
    default_limit: Number | None
    """The limit where the floor says nothing; null where it gave every limit."""
    culprit: dict[str, Any] | None
    """Point, layer, row and local distance of the first stage over its limit; null if none is."""
    answer: str
    """The answer in one sentence."""
    columns: tuple[str, ...]
    """Names of the values in `rows`, after point and layer."""
    points: tuple[tuple[str, int | None], ...]
    """Stages of this part, in computation order: point, layer."""
    rows: tuple[tuple[Any, ...], ...]
    """Values for each stage, in the order of `columns`."""

    def problems(self) -> Iterable[str]:
        """A table is rectangular."""
        return _table_problems(self.columns, self.points, self.rows)
