"""More or fewer steps than were asked for."""

from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView
from ledger.monitors.progress import steps_done

#: Steps are counted exactly. Fewer are in order where the run has a rule to stop early and the
#: rule applies: more than `patience` epochs without a better held-out loss.
TOLERANCE: Final = 0


def check(view: RunView) -> Iterable[Mark]:
    """Steps done against steps asked for; a run that goes on, or failed, may have fewer."""
    asked, done = view.number("steps_asked"), steps_done(view)
    if asked is None or done is None or abs(done - asked) <= TOLERANCE:
        return
    if done < asked and (not view.ended or view.failed or stopped_by_rule(view)):
        return
    more = "more" if done > asked else "fewer, and no stop rule among its settings says why"
    last = [view.steps[-1].position] if view.steps else [e.position for e in view.epochs[-1:]]
    yield Mark(
        monitor=MONITOR.name,
        mark="SUSPECT",
        why=f"{done} steps were done and {asked:.0f} asked for: {more}",
        events=(view.position, *last),
        numbers={"asked": int(asked), "done": done},
    )


def stopped_by_rule(view: RunView) -> bool:
    """Whether the stop rule among the settings applies at the last epoch."""
    patience = view.number("patience")
    losses = [value for _, value in view.epoch_series("val_loss")]
    if patience is None or not losses or len(losses) < (view.number("min_epochs") or 0):
        return False
    best = losses.index(min(losses))
    return len(losses) - 1 - best > patience


MONITOR: Final = Monitor(
    name="step-count",
    sees="More or fewer steps than asked for, unless a stop rule among its settings applies.",
    mark="SUSPECT",
    check=check,
)
