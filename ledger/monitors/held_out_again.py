"""Held-out text that the training reads as well."""

from collections.abc import Iterable
from typing import Any, Final

from ledger.monitors.base import Mark, Monitor, RunView
from ledger.monitors.progress import first_beyond, tokens_done

#: Without windows, from the curves: the held-out loss was above the training loss by this much
#: (nats a token) and is below it by this much at the end …
ABOVE: Final = 0.1
BELOW: Final = 0.2
#: … though the training loss came down, from one epoch to the next, by less than this share of the
#: gap. (A training loss is a mean over its epoch, so it lags behind while it falls quickly.)
DESCENT_SHARE: Final = 0.25


def check(view: RunView) -> Iterable[Mark]:
    """Windows where they are stated, else tokens read again, else the two curves."""
    shared = _shared(view.settings.get("train_windows"), view.settings.get("held_out_windows"))
    if shared is not None:
        if shared:
            yield _mark(view, "INVALID", "windows", {"tokens_in_both": shared}, (view.position,))
        return
    yield from _wrapped(view)
    yield from _curves(view)


def _shared(train: Any, held_out: Any) -> int | None:  # noqa: ANN401 - as stated
    """Tokens that two lists of [first, last) windows share; null where either is not stated."""
    if not isinstance(train, list) or not isinstance(held_out, list):
        return None
    windows = sorted((int(a), int(b)) for a, b in train)
    shared = 0
    for first, last in ((int(a), int(b)) for a, b in held_out):
        shared += sum(max(0, min(last, end) - max(first, start)) for start, end in windows)
    return shared


def _wrapped(view: RunView) -> Iterable[Mark]:
    """A corpus begun again, of which the held-out batches are the first."""
    corpus, done = view.number("corpus_tokens"), tokens_done(view)
    batches = view.number("held_out_batches")
    if view.settings.get("wrap") is not True or not corpus or not batches or done is None:
        return
    if view.settings.get("held_out_apart") or done[1] <= corpus:
        return
    numbers = {"tokens_read": done[1], "corpus_tokens": corpus, "held_out_batches": batches}
    first = first_beyond(view, corpus) or done[0]
    yield _mark(view, "INVALID", "corpus begun again", numbers, (view.position, first))


def _curves(view: RunView) -> Iterable[Mark]:
    both = [e for e in view.epochs if e.train_loss is not None and e.val_loss is not None]
    gaps = [(e.val_loss or 0.0) - (e.train_loss or 0.0) for e in both]
    if len(both) < 3 or gaps[-1] > -BELOW or max(gaps[:-1]) < ABOVE:
        return
    descent = (both[-2].train_loss or 0.0) - (both[-1].train_loss or 0.0)
    if descent > DESCENT_SHARE * -gaps[-1]:
        return
    highest = gaps.index(max(gaps))
    numbers = {
        "gap_before": gaps[highest],
        "gap_after": gaps[-1],
        "train_loss": both[-1].train_loss,
        "val_loss": both[-1].val_loss,
        "descent": descent,
    }
    events = (both[highest].position, both[-1].position)
    yield _mark(view, "SUSPECT", "curves", numbers, events)


_WHY: Final = {
    "windows": "{tokens_in_both} tokens are in a training window and in a held-out one",
    "corpus begun again": "{tokens_read:.0f} tokens were read of {corpus_tokens:.0f}: the corpus "
    "was begun again, and its first {held_out_batches:.0f} batches are the held-out ones",
    "curves": "held-out loss was {gap_before:.3g} above the training loss and is {gap_after:.3g} "
    "of it, while the training loss came down by {descent:.3g}",
}


def _mark(
    view: RunView, word: str, how: str, numbers: dict[str, Any], events: tuple[int, ...]
) -> Mark:
    return Mark(
        monitor=MONITOR.name,
        mark="INVALID" if word == "INVALID" else "SUSPECT",
        why=_WHY[how].format(**numbers),
        events=tuple(dict.fromkeys(events)) or (view.position,),
        numbers={"how": how, **numbers},
    )


MONITOR: Final = Monitor(
    name="held-out-read-again",
    sees="Held-out windows that the training reads too, or a held-out loss that sinks below it.",
    mark="INVALID",
    check=check,
)
