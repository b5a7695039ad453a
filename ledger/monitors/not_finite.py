"""NaN and infinities among the metrics of a run."""

import math
from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import LOSSES, Mark, Monitor, RunView

#: A loss that is no number is the end of a training; a gradient norm overflows now and then where
#: the loss is scaled (float16), and such a step is skipped: only many of them are suspect.
SHARE_OF_STEPS: Final = 0.05
LEAST_STEPS: Final = 20


def check(view: RunView) -> Iterable[Mark]:
    """Losses and other metrics that are no finite numbers."""
    for metric in view.metrics():
        series = view.series(metric)
        yield from _marks(metric, series, is_loss=metric in LOSSES)
    for column in ("train_loss", "val_loss", "grad_norm_max"):
        yield from _marks(column, view.epoch_series(column), is_loss=column in LOSSES)
    for result in view.results:
        if result.name in LOSSES:
            yield from _marks(result.name, [(result.position, result.value)], is_loss=True)


def _marks(metric: str, series: list[tuple[int, float]], *, is_loss: bool) -> Iterable[Mark]:
    bad = [position for position, value in series if not math.isfinite(value)]
    share = len(bad) / len(series) if series else 0.0
    if is_loss and bad:
        word: str = "INVALID"
    elif len(series) >= LEAST_STEPS and share > SHARE_OF_STEPS:
        word = "SUSPECT"
    else:
        return
    yield Mark(
        monitor=MONITOR.name,
        mark="INVALID" if word == "INVALID" else "SUSPECT",
        why=f"{metric} is not a finite number {len(bad)} times of {len(series)}",
        events=tuple(bad[:10]),
        numbers={"metric": metric, "not_finite": len(bad), "values": len(series)},
    )


MONITOR: Final = Monitor(
    name="not-finite",
    sees="A loss that is NaN or infinite, or another metric that is so in many steps.",
    mark="INVALID",
    check=check,
)
