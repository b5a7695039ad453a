"""A metric that varied and then is a round constant: what a reporter writes for "no value"."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from ledger.monitors.base import LOSSES, Mark, Monitor, RunView

#: Values that programs write where they have none.
SENTINELS: Final = (0.0, 1.0, -1.0, 99.0, 100.0, 999.0, 9999.0)
#: How often the sentinel must stand at the end. A metric that varied with many digits does not hit
#: a whole number by chance even once; a count or a schedule can, so theirs is not asked.
REPEATS: Final = {"steps": 5, "epochs": 2}
#: So many values must stand before it, and so large a share of them must have a fraction.
LEAST_BEFORE: Final = {"steps": 10, "epochs": 2}
SHARE_WITH_FRACTION: Final = 0.9
#: The step from the last real value to the sentinel, in units of the median step before: a loss
#: that comes down to 0 (an accuracy that reaches 1) in small steps has arrived there by itself.
JUMP: Final = 5.0
#: Metrics that end at a round number by design.
SCHEDULED: Final = ("lr", "learning_rate", "warmup", "progress", "epoch")
_COLUMNS: Final = ("train_loss", "val_loss", "grad_norm_max")


def check(view: RunView) -> Iterable[Mark]:
    """Each metric of the steps, and the losses of the epochs."""
    for metric in view.metrics():
        if metric not in SCHEDULED:
            yield from _mark(metric, "steps", view.series(metric))
    for column in _COLUMNS:
        yield from _mark(column, "epochs", view.epoch_series(column))


def _mark(metric: str, what: str, series: list[tuple[int, float]]) -> Iterable[Mark]:
    if not series or series[-1][1] not in SENTINELS:
        return
    last = series[-1][1]
    count = 0
    while count < len(series) and series[-1 - count][1] == last:
        count += 1
    before = [value for _, value in series[: len(series) - count]]
    if count < REPEATS[what] or len(before) < LEAST_BEFORE[what]:
        return
    if sum(not value.is_integer() for value in before) < SHARE_WITH_FRACTION * len(before):
        return
    steps = sorted(abs(b - a) for a, b in pairwise(before))
    usual = steps[(len(steps) - 1) // 2] if steps else 0.0
    if abs(last - before[-1]) <= JUMP * usual:
        return
    yield Mark(
        monitor=MONITOR.name,
        mark="INVALID" if metric in LOSSES else "SUSPECT",
        why=f"{metric} varied and is {last:g} in the last {count} of {len(series)} {what}",
        events=tuple(position for position, _ in series[-count:])[:10],
        numbers={
            "metric": metric,
            "value": last,
            "repeats": count,
            what: len(series),
            "last_before": before[-1],
        },
    )


MONITOR: Final = Monitor(
    name="sentinel",
    sees="A metric that varied and is a round constant, such as 1.0, from some step on.",
    mark="INVALID",
    check=check,
)
