"""Runs that the monitors mark, each mark by the name of its monitor."""

from collections.abc import Iterable
from typing import Final

from ledger.replay.base import Examined, Examiner, Severity
from ledger.replay.history import History

_SEVERITIES: Final[dict[str, Severity]] = {"INVALID": "fault", "SUSPECT": "suspect"}


def examine(history: History) -> Iterable[Examined]:
    """Each mark of each reported run."""
    for run in history.runs.values():
        for mark in run.marks:
            yield Examined(
                rule=f"{EXAMINER.rule}/{mark.monitor}",
                severity=_SEVERITIES[mark.mark],
                subject=run.run,
                events=mark.events,
                numbers={"mark": mark.mark, "monitor": mark.monitor, **mark.numbers},
                message=f"{mark.mark}: {mark.why}",
            )


EXAMINER: Final = Examiner(
    rule="run",
    finds="A run that a monitor marks; the rule names the monitor, as in run/wall-time.",
    examine=examine,
)
