"""What a monitor is, and what it gets to see of a run.

A monitor is a pure function from one run, as it stands in the record, to marks. It reads numbers,
names and digests; it never reads prose, and never how the run's authors say it ended. Where a run
lacks what a monitor needs, the monitor is silent: a mark on a sound run is as bad as a missed one.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

import attrs

#: INVALID: the numbers of the run are no evidence. SUSPECT: look before you use them.
Word = Literal["INVALID", "SUSPECT"]
#: Metrics that are losses, in the order in which one stands for the run.
LOSSES: Final = ("train_loss", "loss", "val_loss")


@attrs.frozen(slots=True, kw_only=True)
class Step:
    """One training step, as it was last taken."""

    position: int
    step: int
    metrics: Mapping[str, float]


@attrs.frozen(slots=True, kw_only=True)
class Epoch:
    """One epoch. Losses in nats a token; null is not stated."""

    position: int
    epoch: int
    train_loss: float | None = None
    val_loss: float | None = None
    wall_seconds: float | None = None
    tokens_seen: int | None = None
    grad_norm_max: float | None = None
    optimizer_state_sha: str | None = None


@attrs.frozen(slots=True, kw_only=True)
class Result:
    """One number stated of the whole run. `provenance` says where it comes from."""

    position: int
    name: str
    value: float
    provenance: str


@attrs.frozen(slots=True, kw_only=True)
class StateHash:
    """An epoch, of this run or another one, that states the same optimizer state as one of ours."""

    position: int
    digest: str
    run: str
    epoch: int
    losses: tuple[float | None, float | None]


@attrs.frozen(slots=True, kw_only=True)
class Twin:
    """Another run whose first losses are the same to the last digit.

    `differs` are the settings in which the two differ: where there are any, equal losses cannot be.
    """

    position: int
    run: str
    losses: int
    distinct_losses: int
    differs: tuple[str, ...]


@attrs.frozen(slots=True, kw_only=True)
class RunView:
    """One run. `settings` have neutral names (`ledger.monitors.settings`).

    `steps_recorded` counts all steps; `steps` may lack those in the middle of a very long run.
    `ended`: the run came to its end. `failed`: this ledger's executor recorded that it could not
    go on; how others say that a run ended is not read.
    """

    run: str
    position: int
    reported: bool = False
    device_asked: str | None = None
    device_observed: str | None = None
    provenance: str = "measured"
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    ended: bool = True
    failed: bool = False
    steps: tuple[Step, ...] = ()
    steps_recorded: int = 0
    epochs: tuple[Epoch, ...] = ()
    results: tuple[Result, ...] = ()
    state_hashes: tuple[StateHash, ...] = ()
    twins: tuple[Twin, ...] = ()

    def number(self, setting: str) -> float | None:
        """A setting that is a number, or null."""
        value = self.settings.get(setting)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return float(value)

    def series(self, metric: str) -> list[tuple[int, float]]:
        """(position, value) of a metric over the steps, where a step has it."""
        return [(s.position, s.metrics[metric]) for s in self.steps if metric in s.metrics]

    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics of its steps, sorted."""
        return tuple(sorted({name for step in self.steps for name in step.metrics}))

    def epoch_series(self, column: str) -> list[tuple[int, float]]:
        """(position, value) of a column over the epochs, where an epoch states it."""
        found = []
        for epoch in self.epochs:
            value = getattr(epoch, column)
            if value is not None:
                found.append((epoch.position, float(value)))
        return found


@attrs.frozen(slots=True, kw_only=True)
class Mark:
    """What a monitor says of a run: the events that show it, and the numbers."""

    monitor: str
    mark: Word
    why: str
    events: tuple[int, ...]
    numbers: Mapping[str, Any]


@attrs.frozen(slots=True, kw_only=True)
class Monitor:
    """One monitor: its name, what it sees in a sentence, its gravest mark, its function."""

    name: str
    sees: str
    mark: Word
    check: Callable[[RunView], Iterable[Mark]]
