"""Comparing two traces: never what is not comparable, and where they first differ.

Works from stored evidence alone (two records and a blob a side), so it gives the same answer in
another year, on another machine, without the models. Identity comes first: unequal identities are
`incomparable`, with each field that differs and its fix. Then the path: each difference is listed.
Then, for each point, d_row = rms(a - b) / rms(a) of each kept row, estimated from the sketches.
Along different paths these are held against a floor that was measured for exactly those paths.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from attrs import AttrsInstance, field, fields, frozen

from ml.distances import RESOLUTION, lower_median, row_distances
from ml.errors import BadOption, MalformedTrace
from ml.floors import NO_CHOICE, Floor, FloorChoice, PointFloor, choose_floor, free_limits
from ml.identity import Record
from ml.incomparable import IdentityDifference, identity_differences
from ml.path_differences import PathDifference, path_differences
from ml.rows import from_blob
from ml.statistics import WIDTH, pool

if TYPE_CHECKING:
    from ml.tracing import Trace

Result = Literal["incomparable", "equal", "differs", "expected", "over_floor", "no_floor"]
DEFAULT_THRESHOLD = 1e-3


@frozen(kw_only=True)
class TraceData:
    """One side: what a ledger keeps of a trace."""

    identity: Record
    path: Record
    blob: bytes = field(repr=False)

    @classmethod
    def of(cls, trace: "Trace") -> "TraceData":
        """Return what is kept of a fresh trace."""
        return cls(identity=trace.identity, path=trace.path, blob=trace.blob)


@frozen(kw_only=True)
class PointComparison:
    """One point of one layer, compared row by row."""

    point: str
    layer: int | None
    rows: int
    """Kept rows that were compared."""
    median: float
    """Median of d_row; infinite where a side has no sketch or rms(a) is 0."""
    largest: float
    """Largest d_row."""
    largest_position: int
    """Absolute position of the row with the largest d_row (the first of equals)."""
    std_a: float
    """Sample std over the kept rows, for display."""
    std_b: float
    resolved: bool
    """False where the largest d_row is below 1e-5: a sketch cannot tell such rows apart."""
    bit_equal: bool
    """The stored rows are equal byte for byte."""
    floor: PointFloor | None = None
    """What it was held against; None where no floor is recorded for these paths."""

    @property
    def is_over_floor(self) -> bool:
        """Largest or median row is beyond three floors; an infinite distance always is."""
        if self.floor is None:
            return False
        largest, median = free_limits(self.floor)
        return self.largest > largest or self.median > median

    @property
    def std_ratio(self) -> float | None:
        """std_b / std_a, the seeds' measure, for display; None where std_a is 0 or not finite."""
        if self.std_a == 0 or not math.isfinite(self.std_a) or not math.isfinite(self.std_b):
            return None
        return self.std_b / self.std_a


@frozen(kw_only=True)
class FirstDivergence:
    """The first point, in computation order, whose largest d_row is over the threshold."""

    point: str
    layer: int | None
    position: int
    """Absolute position of the row."""
    d_row: float


@frozen(kw_only=True)
class Comparison:
    """What `compare` returns."""

    result: Result
    identity_differences: tuple[IdentityDifference, ...]
    """Not empty exactly where the result is `incomparable`."""
    path_differences: tuple[PathDifference, ...]
    points: tuple[PointComparison, ...]
    """In computation order; empty where the result is `incomparable`."""
    first_divergence: FirstDivergence | None
    threshold: float
    """What d_row was held against to find the first divergence."""
    floor: FloorChoice = NO_CHOICE
    """The floor that was used, or why none was; empty where the paths do not differ."""

    @property
    def first_over_floor(self) -> PointComparison | None:
        """The first point, in computation order, that is over its floor."""
        return next((point for point in self.points if point.is_over_floor), None)

    def to_record(self) -> dict[str, object]:
        """Return it JSON-able; an infinite number is the string "Infinity"."""
        return {
            "first_divergence": _record(self.first_divergence),
            "identity_differences": [_record(d) for d in self.identity_differences],
            "path_differences": [_record(d) for d in self.path_differences],
            "points": [_point_record(point) for point in self.points],
            "result": self.result,
            "threshold": self.threshold,
        }


def compare(
    a: TraceData,
    b: TraceData,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    floors: Sequence[Floor] = (),
) -> Comparison:
    """Compare two traces, `a` being the one that distances are relative to.

    `equal`: no path difference and every stored row bit-equal. `differs`: no path difference, and
    some row differs. Where the paths differ, `floors` are those on record, oldest first:
    `no_floor`, none of them is for exactly these paths; `expected`, no point is over its floor;
    `over_floor`, some point is. Raises `MalformedTrace` where records and blob do not fit,
    `BadOption` for a bad threshold.
    """
    if not (math.isfinite(threshold) and threshold > 0):
        raise BadOption(f"a threshold of {threshold} finds nothing", hint="give a number over 0")
    unequal = identity_differences(a.identity, b.identity)
    different_path = path_differences(a.path, b.path)
    if unequal:
        return Comparison(
            result="incomparable",
            identity_differences=unequal,
            path_differences=different_path,
            points=(),
            first_divergence=None,
            threshold=threshold,
        )
    chosen = choose_floor(floors, a.path, b.path) if different_path else NO_CHOICE
    chosen = _covering(chosen, a.identity)
    compared = _compare_points(a, b, chosen.floor)
    return Comparison(
        result=_result(compared, chosen, has_one_path=not different_path),
        identity_differences=(),
        path_differences=different_path,
        points=compared,
        first_divergence=_first_divergence(compared, threshold),
        threshold=threshold,
        floor=chosen,
    )


def _result(
    compared: Sequence[PointComparison], chosen: FloorChoice, *, has_one_path: bool
) -> Result:
    if has_one_path:
        return "equal" if all(point.bit_equal for point in compared) else "differs"
    if chosen.floor is None:
        return "no_floor"
    return "over_floor" if any(point.is_over_floor for point in compared) else "expected"


def _covering(chosen: FloorChoice, identity: Record) -> FloorChoice:
    """Pass a floor over that was not measured at every point of the traces."""
    if chosen.floor is None:
        return chosen
    places, _ = _layout(identity)
    missing = [name for name, layer in places if (name, layer) not in chosen.floor.points]
    if not missing:
        return chosen
    reason = f"{chosen.floor.run} was not measured at {', '.join(dict.fromkeys(missing))}"
    return FloorChoice(reasons=(reason,))


def _compare_points(a: TraceData, b: TraceData, floor: Floor | None) -> tuple[PointComparison, ...]:
    points, kept = _layout(a.identity)
    left = from_blob(a.blob, len(points), len(kept))
    right = from_blob(b.blob, len(points), len(kept))
    compared = []
    for i, (name, layer) in enumerate(points):
        distances = row_distances(left[i], right[i])
        worst = int(distances.argmax())
        compared.append(
            PointComparison(
                point=name,
                layer=layer,
                rows=len(kept),
                median=lower_median(distances),
                largest=float(distances[worst]),
                largest_position=kept[worst],
                std_a=pool(left[i][:, :WIDTH]).std,
                std_b=pool(right[i][:, :WIDTH]).std,
                resolved=bool(distances[worst] >= RESOLUTION),
                bit_equal=left[i].tobytes() == right[i].tobytes(),
                floor=None if floor is None else floor.points[name, layer],
            )
        )
    return tuple(compared)


def _layout(identity: Record) -> tuple[tuple[tuple[str, int | None], ...], tuple[int, ...]]:
    """Return the points (id, layer) and the absolute positions of the rows of a blob."""
    try:
        points = tuple((str(name), layer) for name, layer, _ in identity["points"])  # type: ignore[attr-defined]
        first = int(identity["positions"]["first"])  # type: ignore[index]
        kept = tuple(first + int(row) for row in identity["rows"]["kept"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedTrace(
            f"the identity record lacks or garbles {error}",
            hint="the record was not made by this program: audit the ledger",
        ) from error
    if not points or not kept:
        raise MalformedTrace("the trace has no point or no row", hint="trace again")
    return points, kept


def _first_divergence(
    points: tuple[PointComparison, ...], threshold: float
) -> FirstDivergence | None:
    for point in points:
        if point.largest > threshold:
            return FirstDivergence(
                point=point.point,
                layer=point.layer,
                position=point.largest_position,
                d_row=point.largest,
            )
    return None


def _point_record(point: PointComparison) -> dict[str, object]:
    floor = None if point.floor is None else _required_record(point.floor)
    return {
        **_required_record(point),
        "floor": floor,
        "is_over_floor": point.is_over_floor,
        "std_ratio": _jsonable(point.std_ratio),
    }


def _record(value: AttrsInstance | None) -> dict[str, object] | None:
    return None if value is None else _required_record(value)


def _required_record(value: AttrsInstance) -> dict[str, object]:
    names = [attribute.name for attribute in fields(type(value))]
    return {name: _jsonable(getattr(value, name)) for name in names}


def _jsonable(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
