"""How far a run came: steps, tokens, from whatever it states. Parts that several monitors share."""

from ledger.monitors.base import RunView


def steps_done(view: RunView) -> int | None:
    """Steps taken: as recorded, else as stated, else from whole epochs; null where unknown."""
    if view.steps_recorded:
        return view.steps_recorded
    stated = view.number("steps_done")
    for result in view.results:
        if stated is None and result.name in ("steps", "steps_done"):
            stated = result.value
    if stated is not None:
        return int(stated)
    per_epoch = view.number("steps_per_epoch")
    if per_epoch is not None and view.epochs and is_whole(view):
        return int(per_epoch) * len(view.epochs)
    return None


def is_whole(view: RunView) -> bool:
    """Whether the epochs that are stated are all of them, from the first on."""
    return [epoch.epoch for epoch in view.epochs] == list(range(len(view.epochs)))


def tokens_after(view: RunView) -> list[tuple[int, float]]:
    """(position, tokens read up to there) for each epoch; empty where that cannot be known.

    As stated; else epochs so far times steps an epoch, sequences a step and their length.
    """
    stated = view.epoch_series("tokens_seen")
    if stated:
        return stated
    per_epoch = view.number("tokens_per_epoch")
    if per_epoch is None:
        factors = [view.number(n) for n in ("steps_per_epoch", "batch", "sequence_length")]
        if any(factor is None for factor in factors):
            return []
        per_epoch = 1.0
        for factor in factors:
            per_epoch *= factor or 0.0
    return [(epoch.position, (epoch.epoch + 1) * per_epoch) for epoch in view.epochs]


def tokens_done(view: RunView) -> tuple[int, float] | None:
    """(position that says so, tokens read in all); null where that cannot be known."""
    after = tokens_after(view)
    if after:
        return after[-1]
    steps = steps_done(view)
    factors = [view.number(n) for n in ("batch", "sequence_length")]
    if steps is None or None in factors:
        return None
    position = view.steps[-1].position if view.steps else view.position
    return position, steps * (factors[0] or 0.0) * (factors[1] or 0.0)


def first_beyond(view: RunView, tokens: float) -> int | None:
    """Position of the first epoch that ends after so many tokens were read."""
    return next((position for position, seen in tokens_after(view) if seen > tokens), None)
