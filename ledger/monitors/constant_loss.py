"""A loss that stands still to the last digit, at its end or from its beginning."""

from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView

#: How often one value may follow itself at the end. Losses that come from float32 sums over
#: thousands of tokens have 24 bits: two equal ones in a row are a chance of about one in a million,
#: so five steps or three epochs are none. A loss that was rounded to so few decimals can rest at
#: one value for long, so that far more are asked for.
REPEATS: Final = {
    ("steps", "exact"): 5,
    ("steps", "rounded"): 200,
    ("epochs", "exact"): 3,
    ("epochs", "rounded"): 8,
}
#: A series of which all values have at most so many decimals counts as rounded.
ROUNDED_DECIMALS: Final = 4
#: Training losses only: a held-out loss is the same again where nothing was learned (lr 0).
_METRICS: Final = ("train_loss", "loss")


def check(view: RunView) -> Iterable[Mark]:
    """The end of each training loss, over the steps and over the epochs."""
    if _learns_nothing(view):
        return
    for metric in _METRICS:
        yield from _mark(metric, "steps", view.series(metric))
    yield from _mark("train_loss", "epochs", view.epoch_series("train_loss"))


def _learns_nothing(view: RunView) -> bool:
    """Whether the learning rate is 0 throughout: then one batch gives one loss."""
    rates = [value for _, value in view.series("lr")]
    return bool(rates) and not any(rates) and view.number("corpus_tokens") is None


def _mark(metric: str, what: str, series: list[tuple[int, float]]) -> Iterable[Mark]:
    if not series:
        return
    last = series[-1][1]
    count = 0
    while count < len(series) and series[-1 - count][1] == last:
        count += 1
    kind = "rounded" if all(round(v, ROUNDED_DECIMALS) == v for _, v in series) else "exact"
    if count < REPEATS[what, kind]:
        return
    yield Mark(
        monitor=MONITOR.name,
        mark="INVALID",
        why=f"{metric} is {last:g} in the last {count} of {len(series)} {what}",
        events=tuple(position for position, _ in series[-count:])[:10],
        numbers={"metric": metric, "value": last, "repeats": count, what: len(series)},
    )


MONITOR: Final = Monitor(
    name="constant-loss",
    sees="A training loss that repeats one value to the last digit until the end.",
    mark="INVALID",
    check=check,
)
