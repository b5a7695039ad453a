"""A run stopped early by a held-out loss that is the mean of a few batches."""

from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView
from ledger.monitors.progress import steps_done
from ledger.monitors.step_count import stopped_by_rule

#: Fewer held-out batches than this say little about single hundredths of a nat: two batches of 16 x
#: 512 tokens moved by 0.1 between epochs whose training loss fell steadily.
LEAST_BATCHES: Final = 8


def check(view: RunView) -> Iterable[Mark]:
    """Only where the few batches decided something: the end of the run."""
    batches, asked = view.number("held_out_batches"), view.number("steps_asked")
    done = steps_done(view)
    if batches is None or asked is None or done is None or done >= asked:
        return
    if batches >= LEAST_BATCHES or not stopped_by_rule(view):
        return
    yield Mark(
        monitor=MONITOR.name,
        mark="SUSPECT",
        why=f"a held-out loss over {batches:.0f} batches ended it after {done} of {asked:.0f} "
        "steps",
        events=(view.position, *(epoch.position for epoch in view.epochs[-1:])),
        numbers={"held_out_batches": int(batches), "done": done, "asked": int(asked)},
    )


MONITOR: Final = Monitor(
    name="thin-held-out",
    sees="A run that was stopped early by a held-out loss over a few batches.",
    mark="SUSPECT",
    check=check,
)
