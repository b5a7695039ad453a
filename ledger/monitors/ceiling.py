"""Losses above what knowing nothing costs: ln V nats a token over a vocabulary of V."""

import math
from collections.abc import Iterable
from statistics import median
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView

#: A held-out loss after the first epoch above so many times ln V: a model that diverged, or a loss
#: that is not in nats a token.
FIRST_EPOCH: Final = 2.0
#: A random start is at ln V. After so many epochs or steps a loss still above it says that nothing
#: was learned (or that the unit is bits: log2 V is 1.44 ln V).
LATE_EPOCHS: Final = 3
LATE_STEPS: Final = 500
#: The share of the steps, at the end, whose median is looked at.
END_SHARE: Final = 0.1


def check(view: RunView) -> Iterable[Mark]:
    """The first held-out loss, and the last losses."""
    vocabulary = view.number("vocabulary")
    if vocabulary is None or vocabulary < 2:
        return
    uniform = math.log(vocabulary)
    held_out = view.epoch_series("val_loss")
    if held_out and view.epochs[0].epoch == 0 and held_out[0][0] == view.epochs[0].position:
        yield from _mark("INVALID", "val_loss", held_out[0], uniform, FIRST_EPOCH * uniform)
    for column in ("train_loss", "val_loss"):
        series = view.epoch_series(column)
        if len(series) >= LATE_EPOCHS:
            yield from _mark("SUSPECT", column, series[-1], uniform, uniform)
    for metric in ("train_loss", "loss", "val_loss"):
        steps = view.series(metric)
        if len(steps) >= LATE_STEPS:
            end = steps[-max(1, int(len(steps) * END_SHARE)) :]
            middle = median(value for _, value in end)
            yield from _mark("SUSPECT", metric, (end[-1][0], middle), uniform, uniform)


def _mark(
    word: str, metric: str, found: tuple[int, float], uniform: float, limit: float
) -> Iterable[Mark]:
    position, value = found
    if not value > limit or not math.isfinite(value):
        return
    yield Mark(
        monitor=MONITOR.name,
        mark="INVALID" if word == "INVALID" else "SUSPECT",
        why=f"{metric} {value:.6g} is above {limit:.6g}, and guessing costs {uniform:.6g}",
        events=(position,),
        numbers={"metric": metric, "value": value, "limit": limit, "uniform": uniform},
    )


MONITOR: Final = Monitor(
    name="ceiling",
    sees="A first held-out loss above 2 ln V, or a late loss above ln V, the cost of guessing.",
    mark="INVALID",
    check=check,
)
