"""Losses that are those of another run to the last digit, though the settings differ."""

from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView

#: So many losses must be equal, and so many different values be among them. A run repeated with
#: the same settings and seed may give the same losses, and should: that is no fault. With another
#: seed, device, model, batch or corpus it cannot.
LEAST_LOSSES: Final = 3
LEAST_DISTINCT: Final = 2


def check(view: RunView) -> Iterable[Mark]:
    """The other runs with the same first losses and other settings."""
    twins = [
        twin
        for twin in view.twins
        if twin.differs and twin.losses >= LEAST_LOSSES and twin.distinct_losses >= LEAST_DISTINCT
    ]
    if not twins:
        return
    differs = sorted({name for twin in twins for name in twin.differs})
    yield Mark(
        monitor=MONITOR.name,
        mark="SUSPECT",
        why=f"its first {twins[0].losses} losses are those of {', '.join(t.run for t in twins)} "
        f"to the last digit, though {', '.join(differs)} differ",
        events=(view.position, *(twin.position for twin in twins)),
        numbers={
            "losses": twins[0].losses,
            "runs": [twin.run for twin in twins],
            "differs": differs,
        },
    )


MONITOR: Final = Monitor(
    name="repeated-losses",
    sees="Losses equal to those of a run with other settings, to the last digit.",
    mark="SUSPECT",
    check=check,
)
