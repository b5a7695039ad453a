"""Another device computed than the one that was asked for."""

import re
from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView

#: The grammar of what is asked: `auto` may choose, `cuda` is `cuda:0`. A name outside it (a card's
#: own name) is compared with nothing.
_ASKED: Final = re.compile(r"(cpu|cuda)(?::(\d+))?")


def check(view: RunView) -> Iterable[Mark]:
    """Device asked for against device observed."""
    asked, observed = _parse(view.device_asked), _parse(view.device_observed)
    if asked is None or observed is None or asked == observed:
        return
    yield Mark(
        monitor=MONITOR.name,
        mark="INVALID",
        why=f"{view.device_asked} was asked for, and {view.device_observed} computed",
        events=(view.position,),
        numbers={"asked": view.device_asked, "observed": view.device_observed},
    )


def _parse(name: str | None) -> tuple[str, int] | None:
    match = _ASKED.fullmatch(name.lower()) if isinstance(name, str) else None
    return (match[1], int(match[2] or 0)) if match else None


MONITOR: Final = Monitor(
    name="device",
    sees="A device that computed and is not the one that was asked for.",
    mark="INVALID",
    check=check,
)
