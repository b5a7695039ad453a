"""A loss that stands still to the last digit, at its end or from its beginning."""

from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView

#: How often one value may follow itself at the end. Losses that come from float32 sums over
#: thousands of tokens have 24 bits: two equal ones in a row are a chance of about one in a million,
#: so five steps or three epochs are none. A loss that was rounded to three or four decimals, or to
#: fewer (coarse), can rest at one value for a while, so that more are asked for.
REPEATS: Final = {
    ("steps", "exact"): 5,
    ("steps", "rounded"): 50,
    ("steps", "coarse"): 200,
    ("epochs", "exact"): 3,
    ("epochs", "rounded"): 4,
    ("epochs", "coarse"): 8,
}
#: Decimals up to which all values of a series are coarse, or rounded.
DECIMALS: Final = (("coarse", 2), ("rounded", 4))
#: A training loss that never was another value needs no end to stand still at.
NEVER_ANOTHER: Final = {"steps": 10, "epochs": 3}
#: A held-out loss that stands still says that nothing is learned, or that it is not measured anew;
#: the training may be sound.
_METRICS: Final = (("train_loss", "INVALID"), ("loss", "INVALID"), ("val_loss", "SUSPECT"))


def check(view: RunView) -> Iterable[Mark]:
    """The end of each loss, over the steps and over the epochs."""
    if _learns_nothing(view):
        return
    for metric, word in _METRICS:
        yield from _mark(metric, word, "steps", view.series(metric))
        if metric in ("train_loss", "val_loss"):
            yield from _mark(metric, word, "epochs", view.epoch_series(metric))


def _learns_nothing(view: RunView) -> bool:
    """Whether the learning rate is 0 throughout: then one batch gives one loss."""
    rates = [value for _, value in view.series("lr")]
    return bool(rates) and not any(rates) and view.number("corpus_tokens") is None


def _mark(metric: str, word: str, what: str, series: list[tuple[int, float]]) -> Iterable[Mark]:
    if not series:
        return
    last = series[-1][1]
    count = 0
    while count < len(series) and series[-1 - count][1] == last:
        count += 1
    least = REPEATS[what, _kind([value for _, value in series])]
    if count == len(series) and word == "INVALID":
        least = min(least, NEVER_ANOTHER[what])
    if count < least:
        return
    yield Mark(
        monitor=MONITOR.name,
        mark="INVALID" if word == "INVALID" else "SUSPECT",
        why=f"{metric} is {last:g} in the last {count} of {len(series)} {what}",
        events=tuple(position for position, _ in series[-count:])[:10],
        numbers={"metric": metric, "value": last, "repeats": count, what: len(series)},
    )


def _kind(values: list[float]) -> str:
    """How finely a series is stated."""
    for kind, decimals in DECIMALS:
        if all(round(value, decimals) == value for value in values):
            return kind
    return "exact"


MONITOR: Final = Monitor(
    name="constant-loss",
    sees="A loss that repeats one value to the last digit until the end.",
    mark="INVALID",
    check=check,
)
