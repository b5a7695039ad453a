"""Bisection: which operation of a forward pass is the first whose result differs by itself.

Each stage (a point of a layer) gets two scores. *Inherited*: both paths run by themselves, so that
a stage carries on whatever went wrong before it. *Local*: both paths are fed the same input, so
that a stage shows what its own operation does. The first stage whose local score is over its limit
is the culprit. A limit is three local floors where a floor is recorded for these paths, else a
default that is stated with the answer.
"""

import math
from collections.abc import Mapping, Sequence

from attrs import frozen

from ml.engines.forced import place as place_name
from ml.errors import BadOption
from ml.floors import LEAST, NO_CHOICE, Floor, FloorChoice, choose_floor, limit
from ml.identity import Record
from ml.operations import inputs_of
from ml.passes import Activations, Pass, Score, Side, scores
from ml.path_differences import PathDifference, path_differences
from ml.points import Place
from ml.tracing import Progress

#: The limit along different paths for which no floor is recorded.
DEFAULT_LIMIT = 1e-3
NOT_MEASURED = "no floor is recorded for these paths"
#: Differences of path that change no operation: two files computed in one way.
SAME_OPERATIONS = frozenset(("model_sha256", "container"))


@frozen(kw_only=True)
class Stage:
    """One point of one layer, with both scores."""

    place: Place
    inherited: Score
    local: Score
    limit_largest: float
    """What the largest row's local distance is held against."""
    limit_median: float
    """What the median's is held against."""
    limit_channel: float
    """What the channel's is held against."""
    floor: float | None = None
    """The local floor of the largest row; None where the limit is a default."""
    since: tuple[Place, ...] | None = None
    """None: its own inputs were forced. Else the last places before it that were, none being the
    token ids: all that lies between counts as one stage."""

    @property
    def name(self) -> str:
        """The stage in words, such as `layer 7 ffn_up`."""
        return place_name(*self.place)

    @property
    def is_over(self) -> bool:
        """It differs by itself."""
        return any(score > most for _, score, most in self._held())

    @property
    def crossed(self) -> tuple[str, float, float]:
        """What it is over by: its name, empty for the largest row, the score and the limit.

        The largest row's where it is over none.
        """
        held = self._held()
        return next((one for one in held if one[1] > one[2]), held[0])

    def _held(self) -> tuple[tuple[str, float, float], ...]:
        """Name, score and limit of everything that is held against a limit."""
        return (
            ("", self.local.largest, self.limit_largest),
            ("median", self.local.median, self.limit_median),
            ("channel", self.local.channel, self.limit_channel),
        )

    def span(self) -> str:
        """Return what the stage covers beyond its own operation, in words; mostly nothing."""
        if self.since is None:
            return ""
        names = ", ".join(place_name(*at) for at in self.since) or "the token ids"
        return f" (somewhere behind {names})"

    def measured(self) -> str:
        """Return its local score and what it is held against, in words."""
        name, score, most = self.crossed
        floor = "" if self.floor is None or name else f"floor {_number(self.floor)}, "
        return f"local {name + ' ' if name else ''}{_number(score)}, {floor}limit {_number(most)}"


@frozen(kw_only=True)
class Bisection:
    """What `bisect` returns."""

    stages: tuple[Stage, ...]
    """In computation order."""
    path_differences: tuple[PathDifference, ...]
    choice: FloorChoice
    """The floor that limits come from, or why none was there."""
    default: float | None
    """The limit where no floor is recorded; None where a floor gave every limit."""
    why_default: str
    """Why that default; empty where there is none."""

    @property
    def needs_floor(self) -> bool:
        """Some limit is a guess: nobody measured how far these paths are apart."""
        return self.why_default == NOT_MEASURED

    @property
    def culprit(self) -> Stage | None:
        """The first stage that differs by itself."""
        return first_culprit(self.stages)

    def sentence(self) -> str:
        """The answer in one sentence."""
        culprit = self.culprit
        if culprit is None:
            nearest = max(self.stages, key=lambda stage: stage.local.largest / stage.limit_largest)
            highest = max(stage.inherited.largest for stage in self.stages)
            return (
                f"no stage differs by itself: the nearest is {nearest.name}, {nearest.measured()}; "
                f"inherited is at most {_number(highest)}"
            )
        before = self.stages[: self.stages.index(culprit)]
        highest = max((stage.inherited.largest for stage in before), default=0.0)
        rest = f"everything before is inherited ≤ {_number(highest)}" if before else "it is first"
        return (
            f"{culprit.name} is the first stage that differs by itself{culprit.span()}: "
            f"{culprit.measured()}; {rest}"
        )


@frozen(kw_only=True)
class Evidence:
    """The activations behind a bisection, for a reproducer."""

    reference: Activations
    local: Activations
    """What `b` computed at each stage from the reference's values."""
    path_a: Record
    """How the reference was computed."""
    path_b: Record
    """How `b` computes."""


def first_culprit(stages: Sequence[Stage]) -> Stage | None:
    """Return the first stage that differs by itself, or None."""
    return next((stage for stage in stages if stage.is_over), None)


def check_threshold(threshold: float | None) -> None:
    """Check a limit that is used in place of floors; raise `BadOption`."""
    if threshold is not None and not (math.isfinite(threshold) and threshold > 0):
        raise BadOption(f"a threshold of {threshold} finds nothing", hint="give a number over 0")


def bisect(
    reference: Pass,
    b: Side,
    ids: Sequence[int],
    *,
    floors: Sequence[Floor] = (),
    chosen: Floor | None = None,
    threshold: float | None = None,
    progress: Progress | None = None,
) -> tuple[Bisection, Evidence]:
    """Hold path `b` against the activations of a reference, running free and fed by it.

    `floors` are those on record, oldest first; `chosen` is one to use although it was measured on
    other models or paths; `threshold` is the limit to use in place of any. The reference may lack
    points: each point that it has is scored. Raises `BadOption` where shapes or ids do not fit, and
    what `ml.tracing.run` raises.
    """
    check_threshold(threshold)
    path_b, inherited = _run_free(reference, b, ids, progress)
    differences = path_differences(reference.path, path_b)
    forced = b.run(ids, forced=reference.activations, progress=progress)
    local = scores(reference.activations, forced.activations)
    choice = choose_floor(floors, reference.path, path_b)
    if threshold is not None:
        choice = NO_CHOICE
    elif chosen is not None:
        choice = FloorChoice(floor=chosen)
    default, why = _default(choice, differences, threshold)
    stages = _stages(reference.activations, inherited, local, choice.floor, default, b)
    is_used = any(stage.floor is None for stage in stages)
    found = Bisection(
        stages=stages,
        path_differences=differences,
        choice=choice,
        default=default if is_used else None,
        why_default=why if is_used else "",
    )
    evidence = Evidence(
        reference=reference.activations,
        local=forced.activations,
        path_a=reference.path,
        path_b=path_b,
    )
    return found, evidence


def _stages(
    reference: Activations,
    inherited: Mapping[Place, Score],
    local: Mapping[Place, Score],
    floor: Floor | None,
    default: float,
    b: Side,
) -> tuple[Stage, ...]:
    """Return every stage with its scores and limits, in the order of `local`."""
    limits, layers = _limits(local, floor, default), b.model.config.layers
    return tuple(
        Stage(
            place=at,
            inherited=inherited[at],
            local=local[at],
            limit_largest=limits[at][0],
            limit_median=limits[at][1],
            limit_channel=limits[at][2],
            floor=_local_floor(floor, at),
            since=_since(at, reference, layers),
        )
        for at in local
    )


def _run_free(
    reference: Pass, b: Side, ids: Sequence[int], progress: Progress | None
) -> tuple[Record, dict[Place, Score]]:
    """Return the path of `b` and its inherited scores; its activations are let go of."""
    free = b.run(ids, progress=progress)
    if not path_differences(reference.path, free.path):
        raise BadOption(
            "both sides are the same model along the same path",
            hint="give a second model, or let --a and --b differ",
        )
    return free.path, scores(reference.activations, free.activations)


def _default(
    choice: FloorChoice, differences: Sequence[PathDifference], threshold: float | None
) -> tuple[float, str]:
    """Return the limit where no floor is recorded, and why it is that."""
    if threshold is not None:
        return threshold, "it was asked for"
    names = {difference.name for difference in differences}
    if names <= SAME_OPERATIONS:
        return limit(LEAST), "both sides compute in one way: equal inputs give equal bits"
    if choice.floor is not None:
        return DEFAULT_LIMIT, f"{choice.floor.run} was not measured at some points"
    return DEFAULT_LIMIT, NOT_MEASURED


def _limits(
    local: Mapping[Place, Score], floor: Floor | None, default: float
) -> dict[Place, tuple[float, float, float]]:
    """Return the limits of largest row, median row and channel at each place."""
    limits = {}
    for at in local:
        known = None if floor is None else floor.points.get(at)
        limits[at] = (
            (default, default, default)
            if known is None
            else (limit(known.local_max), limit(known.local_median), limit(known.local_channel))
        )
    return limits


def _local_floor(floor: Floor | None, place: Place) -> float | None:
    known = None if floor is None else floor.points.get(place)
    return None if known is None else known.local_max


def _since(place: Place, forced: Activations, layers: int) -> tuple[Place, ...] | None:
    """Return the last places before it that were forced, None where these are its own inputs."""
    direct = list(inputs_of(place, layers).values())
    if all(at in forced for at in direct):
        return None
    found: dict[Place, None] = {}
    seen: set[Place] = set()
    open_ends = direct
    while open_ends:
        at = open_ends.pop()
        if at in seen:
            continue
        seen.add(at)
        if at in forced:
            found[at] = None
        else:
            open_ends += inputs_of(at, layers).values()
    return tuple(at for at in forced if at in found)


def _number(value: float) -> str:
    return "infinite" if math.isinf(value) else f"{value:.2g}"
