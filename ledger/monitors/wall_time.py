"""Epochs or steps that suddenly take a tenth of the time: nothing was computed."""

from collections.abc import Iterable
from statistics import median
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView

#: How many times quicker than the quickest before. Clocks, caches and a quiet machine give a factor
#: of two or three; no more work is done in a tenth of the time.
DROP: Final = 10.0
#: So many epochs must stand before: the first one also compiles and reads files.
LEAST_EPOCHS: Final = 2
#: So many steps before, and so many quick ones in a row; some single step is always odd.
LEAST_STEPS: Final = 20
QUICK_STEPS: Final = 5


def check(view: RunView) -> Iterable[Mark]:
    """Wall time of the epochs, for each token where the tokens are known; then of the steps."""
    yield from _epochs(view)
    yield from _steps(view)


def _epochs(view: RunView) -> Iterable[Mark]:
    costs: list[tuple[int, float]] = []
    seen = 0
    for epoch in view.epochs:
        if epoch.wall_seconds is None:
            continue
        tokens = epoch.tokens_seen
        read = 1 if tokens is None else tokens - seen
        seen = seen if tokens is None else tokens
        if read > 0:  # an epoch that read nothing is for another monitor
            costs.append((epoch.position, epoch.wall_seconds / read))
    for index in range(LEAST_EPOCHS, len(costs)):
        least = min(cost for _, cost in costs[:index])
        quick = [(position, cost) for position, cost in costs[index:] if cost * DROP < least]
        if quick and quick[0][0] == costs[index][0]:
            yield _mark("epochs", quick, least, len(costs))
            return


def _steps(view: RunView) -> Iterable[Mark]:
    series = view.series("wall_ms")
    values = [value for _, value in series]
    if len(values) < LEAST_STEPS + QUICK_STEPS:
        return
    usual = median(values[:LEAST_STEPS])
    count = 0
    for index in range(LEAST_STEPS, len(values)):
        count = count + 1 if values[index] * DROP < usual else 0
        if count == QUICK_STEPS:
            quick = [pair for pair in series[index - count + 1 :] if pair[1] * DROP < usual]
            yield _mark("steps", quick, usual, len(values))
            return


def _mark(what: str, quick: list[tuple[int, float]], usual: float, values: int) -> Mark:
    factor = usual / quick[0][1] if quick[0][1] > 0 else None
    times = f"{factor:.3g} times" if factor is not None else "infinitely"
    return Mark(
        monitor=MONITOR.name,
        mark="INVALID",
        why=f"{len(quick)} of {values} {what} are {times} quicker than those before",
        events=tuple(position for position, _ in quick)[:10],
        numbers={"before": usual, "after": quick[0][1], "factor": factor, "quick": len(quick)},
    )


MONITOR: Final = Monitor(
    name="wall-time",
    sees="Epochs or steps that take less than a tenth of the time of those before.",
    mark="INVALID",
    check=check,
)
