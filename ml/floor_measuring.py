"""Measuring a floor: the same prompts along two paths, and how far apart they come out.

Three passes a prompt: path a, path b, and path b once more with every activation of a forced on it,
so that each of its operations starts from what a had. The first two give free distances, the first
and the third local ones.
"""

import json
import math
from collections.abc import Mapping

import numpy as np
from attrs import astuple, evolve, field, fields, frozen

from ml.engines.forced import place
from ml.errors import BadPrompt, FloorNotMeasured
from ml.floors import FEWEST_PROMPTS, FEWEST_TOKENS, PointFloor, smoothed
from ml.identity import Record
from ml.passes import Score, Side, check_alike, scores
from ml.path_differences import PathDifference, path_differences
from ml.points import Place
from ml.sketch import fmix32
from ml.tracing import Progress

Prompts = tuple[tuple[int, ...], ...]
FLOORS = tuple(attribute.name for attribute in fields(PointFloor))


@frozen(kw_only=True)
class MeasuredFloor:
    """What `measure_floor` returns."""

    path_a: Record
    path_b: Record
    path_differences: tuple[PathDifference, ...]
    prompts: Prompts
    floors: Mapping[Place, PointFloor] = field(repr=False)
    """Smoothed, in computation order."""
    measured: Mapping[Place, PointFloor] = field(repr=False)
    """The largest distances themselves, not smoothed."""


def seeded_prompts(vocabulary: int, *, count: int = FEWEST_PROMPTS) -> Prompts:
    """Return the prompts that are used where none are given: token ids drawn by a fixed rule.

    Token t of prompt p is fmix32(64·p + t + 1) modulo the vocabulary.

    >>> seeded_prompts(512)[0][:4]
    (183, 262, 39, 133)
    """
    numbers = np.arange(count * FEWEST_TOKENS, dtype=np.uint32) + np.uint32(1)
    ids = (fmix32(numbers) % np.uint32(vocabulary)).reshape(count, FEWEST_TOKENS)
    return tuple(tuple(int(token) for token in prompt) for prompt in ids)


def prompts_bytes(prompts: Prompts) -> bytes:
    """Return a prompt set as the JSON bytes that its digest is of.

    >>> prompts_bytes(((1, 2), (3,)))
    b'[[1,2],[3]]'
    """
    return json.dumps(prompts, separators=(",", ":")).encode()


def check_prompts(prompts: Prompts) -> None:
    """Check that a floor may rest on these prompts; raise `BadPrompt`."""
    short = [len(prompt) for prompt in prompts if len(prompt) < FEWEST_TOKENS]
    if len(prompts) < FEWEST_PROMPTS or short or len(set(prompts)) < len(prompts):
        seen = f"one has {min(short)} tokens" if short else f"{len(set(prompts))} different ones"
        raise BadPrompt(
            f"a floor needs at least {FEWEST_PROMPTS} different prompts of at least "
            f"{FEWEST_TOKENS} tokens, and of these {len(prompts)} {seen}",
            hint="leave --prompts out for seeded ids, or give longer prompts",
        )


def measure_floor(
    a: Side, b: Side, prompts: Prompts, *, progress: Progress | None = None
) -> MeasuredFloor:
    """Run both paths over the prompts; distances are relative to `a`.

    `progress` is called with ("pass", done, total). Raises `FloorNotMeasured` where the paths do
    not differ or activations are not finite, `BadPrompt` for too few or too short prompts,
    `BadOption` for models of two shapes, and what `ml.tracing.run` raises.
    """
    check_prompts(prompts)
    check_alike(a.model, b.model)
    free: dict[Place, Score] = {}
    local: dict[Place, Score] = {}
    paths: tuple[Record, Record] = ({}, {})
    for number, ids in enumerate(prompts):
        first = a.run(ids)
        _report(progress, 3 * number + 1, len(prompts))
        second = b.run(ids)
        _report(progress, 3 * number + 2, len(prompts))
        paths = first.path, second.path
        if not path_differences(*paths):
            raise FloorNotMeasured(
                "the two paths are the same, so there is no floor between them",
                hint="let --a and --b differ, such as --a engine=a --b engine=numpy",
            )
        _raise_to(free, scores(first.activations, second.activations))
        del second  # of a large model the activations of one pass are gigabytes
        forced = b.run(ids, forced=first.activations)
        _raise_to(local, scores(first.activations, forced.activations))
        _report(progress, 3 * number + 3, len(prompts))
    measured = {at: _point_floor(free[at], local[at]) for at in free}
    _require_finite(measured)
    return MeasuredFloor(
        path_a=paths[0],
        path_b=paths[1],
        path_differences=path_differences(*paths),
        prompts=prompts,
        floors=_smoothed(measured),
        measured=measured,
    )


def _report(progress: Progress | None, done: int, prompts: int) -> None:
    if progress is not None:
        progress("pass", done, 3 * prompts)


def _raise_to(highest: dict[Place, Score], seen: Mapping[Place, Score]) -> None:
    """Keep the larger of each number at each place."""
    for at, score in seen.items():
        known = highest.get(at, score)
        highest[at] = evolve(
            score,
            largest=max(known.largest, score.largest),
            median=max(known.median, score.median),
            channel=max(known.channel, score.channel),
        )


def _point_floor(free: Score, local: Score) -> PointFloor:
    return PointFloor(
        free_max=free.largest,
        free_median=free.median,
        local_max=local.largest,
        local_median=local.median,
        local_channel=local.channel,
    )


def _require_finite(measured: Mapping[Place, PointFloor]) -> None:
    """Refuse a floor that would let everything pass."""
    endless = [at for at, floor in measured.items() if not all(map(math.isfinite, astuple(floor)))]
    if endless:
        raise FloorNotMeasured(
            f"at {place(*endless[0])} the two passes are infinitely far apart "
            f"({len(endless)} such points): one of them is not finite, or is zero, there alone",
            hint="no floor covers that: `ledger run bisect` says where it begins",
        )


def _smoothed(measured: Mapping[Place, PointFloor]) -> dict[Place, PointFloor]:
    columns = {
        name: smoothed({at: getattr(floor, name) for at, floor in measured.items()})
        for name in FLOORS
    }
    return {at: PointFloor(**{name: columns[name][at] for name in FLOORS}) for at in measured}
