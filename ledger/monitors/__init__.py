"""Monitors: what is wrong with a run, by its own events. The list.

base.py      what a monitor is and sees     runs.py      runs out of the store, one by one
settings.py  names of settings              progress.py  how far a run came
"""

from collections.abc import Iterable
from typing import Final

from ledger.monitors import (
    ceiling,
    constant_loss,
    degenerate_corpus,
    device,
    exhausted_data,
    generated_metric,
    held_out_again,
    not_finite,
    repeated_losses,
    sentinel,
    state_hash,
    step_count,
    synthetic,
    thin_held_out,
    wall_time,
)
from ledger.monitors.base import Mark, Monitor, RunView, Word

MONITORS: Final[tuple[Monitor, ...]] = (
    exhausted_data.MONITOR,
    constant_loss.MONITOR,
    repeated_losses.MONITOR,
    not_finite.MONITOR,
    ceiling.MONITOR,
    wall_time.MONITOR,
    sentinel.MONITOR,
    generated_metric.MONITOR,
    held_out_again.MONITOR,
    thin_held_out.MONITOR,
    state_hash.MONITOR,
    device.MONITOR,
    synthetic.MONITOR,
    degenerate_corpus.MONITOR,
    step_count.MONITOR,
)


def marks_of(view: RunView) -> tuple[Mark, ...]:
    """Every mark of one run, in the order of the list."""
    return tuple(mark for monitor in MONITORS for mark in monitor.check(view))


def word_of(marks: Iterable[Mark]) -> Word | None:
    """The gravest mark: INVALID, SUSPECT, or null."""
    words = {mark.mark for mark in marks}
    return "INVALID" if "INVALID" in words else "SUSPECT" if words else None


__all__ = ["MONITORS", "Mark", "Monitor", "RunView", "marks_of", "word_of"]
