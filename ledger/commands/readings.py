"""Ways to count a verdict that are not the fold's, and finding those that explain a difference.

Only counts and positions are looked at; names are opaque.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

#: (rows PARTIAL, rows DISCHARGED)
Tally = tuple[int, int]


def one(counts_as: str | None) -> Tally:
    """One row that counts as this; nothing for null."""
    return (int(counts_as == "partial"), int(counts_as == "discharged"))


def plus(a: Tally, b: Tally) -> Tally:
    """Both together."""
    return (a[0] + b[0], a[1] + b[1])


def less(a: Tally, b: Tally) -> Tally:
    """The first without the second."""
    return (a[0] - b[0], a[1] - b[1])


@attrs.frozen(slots=True, kw_only=True)
class Verdict:
    """A verdict on a row, and what it counted as before and after: partial, discharged or null."""

    row: str
    position: int
    status: str
    branch: str | None
    counts_as: str | None
    before: str | None
    branch_before: str | None

    @property
    def move(self) -> Tally:
        """What it does to the fold."""
        return less(one(self.counts_as), one(self.before))


@attrs.frozen(slots=True, kw_only=True)
class Reading:
    """A way to count a verdict that is not the fold's."""

    why: str
    fits: Callable[[Verdict], bool]
    adds: Callable[[Verdict], Tally]


def undone(verdict: Verdict) -> Tally:
    """The tally as if the verdict had not been counted."""
    return less((0, 0), verdict.move)


def _is_again(verdict: Verdict) -> bool:
    return verdict.counts_as is not None and verdict.counts_as == verdict.before


def _reached_main(verdict: Verdict) -> bool:
    return verdict.branch_before is not None and verdict.branch is None


#: Ways to count a verdict wrongly, the likeliest first.
READINGS: Final = (
    Reading(
        why="branch_row_again",
        fits=lambda v: _is_again(v) and _reached_main(v),
        adds=lambda v: one(v.counts_as),
    ),
    Reading(
        why="repeated",
        fits=lambda v: _is_again(v) and not _reached_main(v),
        adds=lambda v: one(v.counts_as),
    ),
    Reading(
        why="never_partial",
        fits=lambda v: v.counts_as == "discharged" and v.before is None,
        adds=lambda _: (-1, 0),
    ),
    Reading(
        why="not_counted",
        fits=lambda v: v.counts_as is not None and v.before is None,
        adds=undone,
    ),
    Reading(
        why="still_counted",
        fits=lambda v: v.counts_as is None and v.before is not None,
        adds=undone,
    ),
    Reading(
        why="not_moved",
        fits=lambda v: None not in (v.counts_as, v.before) and v.counts_as != v.before,
        adds=undone,
    ),
    Reading(
        why="counted_twice",
        fits=lambda v: None not in (v.counts_as, v.before) and v.counts_as != v.before,
        adds=lambda v: one(v.before),
    ),
)


def read_otherwise(
    verdicts: Sequence[Verdict], rest: Tally
) -> list[tuple[Reading, Verdict]] | None:
    """The fewest verdicts that add up to `rest` when read otherwise; null where none do."""
    if rest == (0, 0):
        return []
    pools: dict[Tally, list[tuple[Reading, Verdict]]] = {}
    for reading, verdict in itertools.product(READINGS, verdicts):
        if reading.fits(verdict):
            pools.setdefault(reading.adds(verdict), []).append((reading, verdict))
    answers = []
    for a, b in itertools.combinations_with_replacement(pools, 2):
        for count_a, count_b in _shares(rest, a, b):
            chosen = _choose(pools[a], count_a, pools[b], count_b)
            if chosen is not None:
                answers.append(chosen)
    order = {reading.why: number for number, reading in enumerate(READINGS)}
    best = min(
        answers,
        key=lambda chosen: (len(chosen), sorted(order[reading.why] for reading, _ in chosen)),
        default=None,
    )
    return None if best is None else sorted(best, key=lambda each: each[1].position)


def _shares(rest: Tally, a: Tally, b: Tally) -> Iterator[tuple[int, int]]:
    """How many times each of two moves, so that both add up to `rest`."""
    crossed = a[0] * b[1] - a[1] * b[0]
    if crossed == 0:
        if a == b:
            times = max(map(abs, rest))
            if (a[0] * times, a[1] * times) == rest:
                yield times, 0
        return
    count_a, over_a = divmod(rest[0] * b[1] - rest[1] * b[0], crossed)
    count_b, over_b = divmod(a[0] * rest[1] - a[1] * rest[0], crossed)
    if not over_a and not over_b and count_a > 0 and count_b > 0:
        yield count_a, count_b


def _choose(
    pool_a: Sequence[tuple[Reading, Verdict]],
    count_a: int,
    pool_b: Sequence[tuple[Reading, Verdict]],
    count_b: int,
) -> list[tuple[Reading, Verdict]] | None:
    """The first of each pool, no verdict twice; null where there are too few."""
    first = pool_a[:count_a]
    taken = {verdict.position for _, verdict in first}
    second = [each for each in pool_b if each[1].position not in taken][:count_b]
    if (len(first), len(second)) != (count_a, count_b):
        return None
    return [*first, *second]
