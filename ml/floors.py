"""Floors: how far two sound passes are apart because their paths differ, and for no other reason.

A floor is measured: over several prompts the two paths compute the same tokens, and at each point
the largest distance counts. `free` floors are of two passes that run by themselves, where what came
before is carried along; `local` floors are of one operation at a time, both paths fed the same
input. A layer that came out quieter than its neighbours by luck is raised to the running median of
five over the layers of its kind of point. Nothing is lowered: a layer may be truly louder than its
neighbours, and what was measured with nothing wrong is no fault. No floor is under 1e-6. What lies
beyond three floors is no rounding.

A floor holds for the two paths it was measured on, model files included, and for no others.
"""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from ml.distances import RESOLUTION
from ml.identity import Record
from ml.path_differences import path_differences
from ml.points import Place

LEAST, FACTOR, WINDOW = 1e-6, 3.0, 5
FEWEST_PROMPTS, FEWEST_TOKENS = 5, 64


@frozen(kw_only=True)
class PointFloor:
    """The floors of one point of one layer: row distances d_row, and a channel's."""

    free_max: float
    """Of the largest row, both passes running by themselves."""
    free_median: float
    """Of the lower median over the rows, likewise."""
    local_max: float
    """Of the largest row, both paths fed the same input."""
    local_median: float
    """Of the lower median, likewise."""
    local_channel: float
    """Of the channel that is furthest apart, likewise."""


@frozen(kw_only=True)
class Floor:
    """A floor on record."""

    cite: str
    """Hash of the entry it stands in."""
    run: str
    """The run that measured it."""
    path_a: Record
    path_b: Record
    points: Mapping[Place, PointFloor] = field(repr=False)
    fallen: str | None = None
    """Why it carries nothing any more; None where it stands."""


@frozen(kw_only=True)
class FloorChoice:
    """Which floor two paths are held against, and why the others are not."""

    floor: Floor | None = None
    """None where there is none for exactly these paths."""
    is_turned: bool = False
    """The floor was measured with the two sides the other way round."""
    reasons: tuple[str, ...] = ()
    """A sentence for each floor that was passed over, nearest first; at most `MOST_REASONS`."""


MOST_REASONS = 3
NO_CHOICE = FloorChoice()


def running_median(values: Sequence[float]) -> list[float]:
    """Return the running median of five: of the value, two before it and two behind it.

    Towards both ends the window has three values, and at the ends one: distances grow from layer to
    layer, and a window to one side would lend the first layer what belongs to later ones.

    >>> running_median([1, 9, 1, 1, 1])
    [1, 1, 1, 1, 1]
    >>> running_median([1, 2, 3, 4])
    [1, 2, 3, 4]
    """
    medians = []
    for i in range(len(values)):
        reach = min(WINDOW // 2, i, len(values) - 1 - i)
        window = sorted(values[i - reach : i + reach + 1])
        medians.append(window[reach])
    return medians


def smoothed(measured: Mapping[Place, float]) -> dict[Place, float]:
    """Return the floors of measured distances, in their order.

    A floor is the largest of what was measured there, the running median and 1e-6.
    """
    layers: dict[str, list[int]] = {}
    for name, layer in measured:
        if layer is not None:
            layers.setdefault(name, []).append(layer)
    found = {place: max(value, LEAST) for place, value in measured.items()}
    for name, among in layers.items():
        ordered = sorted(among)
        medians = running_median([measured[name, layer] for layer in ordered])
        for layer, median in zip(ordered, medians, strict=True):
            found[name, layer] = max(median, found[name, layer])
    return found


def limit(floor: float) -> float:
    """Return the distance above which two passes differ by more than their paths explain."""
    return FACTOR * floor


def free_limits(floor: PointFloor) -> tuple[float, float]:
    """Return the limits of largest and median row for distances by sketch.

    Not under what a sketch resolves.
    """
    largest, median = limit(floor.free_max), limit(floor.free_median)
    return max(largest, RESOLUTION), max(median, RESOLUTION)


def choose_floor(floors: Sequence[Floor], path_a: Record, path_b: Record) -> FloorChoice:
    """Return the floor that was measured on exactly these paths; of several the last.

    Which of the two was called `a` does not matter. A floor that has fallen is not used.
    """
    passed_over: list[tuple[int, str]] = []
    chosen, is_turned = None, False
    for floor in reversed(floors):
        straight = _unequal(floor.path_a, path_a, "a") + _unequal(floor.path_b, path_b, "b")
        turned = _unequal(floor.path_a, path_b, "b") + _unequal(floor.path_b, path_a, "a")
        nearest = min(straight, turned, key=len)
        if nearest:
            passed_over.append((len(nearest), f"{floor.run} was measured with {_list(nearest)}"))
        elif floor.fallen is not None:
            passed_over.append((0, f"{floor.run} carries nothing any more: {floor.fallen}"))
        elif chosen is None:
            chosen, is_turned = floor, bool(straight)
    if chosen is not None:
        return FloorChoice(floor=chosen, is_turned=is_turned)
    passed_over.sort(key=lambda found: found[0])
    reasons = tuple(reason for _, reason in passed_over[:MOST_REASONS])
    return FloorChoice(reasons=reasons)


def _unequal(measured: Record, wanted: Record, side: str) -> list[str]:
    """What a floor's path has otherwise than the one it is held against."""
    return [
        "another model"
        if difference.name == "model_sha256"
        else f"{difference.name} {difference.a!r} where {side} has {difference.b!r}"
        for difference in path_differences(measured, wanted)
    ]


def _list(words: Sequence[str], most: int = 3) -> str:
    named = list(dict.fromkeys(words))
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return ", ".join(named[:most]) + more
