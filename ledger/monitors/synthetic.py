"""Numbers that were made up, by the run's own word."""

from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView

#: One synthetic number is enough: a run is evidence as a whole.
SYNTHETIC: Final = "synthetic"


def check(view: RunView) -> Iterable[Mark]:
    """Provenance of the run and of its results; `synthetic` among its settings."""
    made_up = [result for result in view.results if result.provenance == SYNTHETIC]
    is_whole = view.provenance == SYNTHETIC or view.settings.get("synthetic") is True
    if not is_whole and not made_up:
        return
    yield Mark(
        monitor=MONITOR.name,
        mark="INVALID",
        why="the run is synthetic" if is_whole else f"{len(made_up)} of its results are synthetic",
        events=(view.position, *(result.position for result in made_up))[:10],
        numbers={"results": len(made_up), "provenance": view.provenance},
    )


MONITOR: Final = Monitor(
    name="synthetic",
    sees="Synthetic provenance: the numbers were made up, and discharge nothing.",
    mark="INVALID",
    check=check,
)
