"""Where `recorded_at` comes from. A clock is passed in; nothing reads the time behind its back."""

import time
from typing import Protocol


class Clock(Protocol):
    """Contract: successive calls never go backwards within one process."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC."""


class SystemClock:
    """The machine's clock. It may jump between processes; order in a ledger is position."""

    def __init__(self) -> None:
        self._last = 0

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC; it stands still while the machine's is set back."""
        now = time.time_ns() // 1000
        if now > self._last:
            self._last = now
        return self._last


class FixedClock:
    """A clock for tests and the demo: starts where told and advances by a fixed step."""

    def __init__(self, start_us: int, step_us: int = 1) -> None:
        self._next = start_us
        self._step = step_us

    def now_us(self) -> int:
        """Return the next microsecond value, `step_us` after the one before."""
        now = self._next
        self._next += self._step
        return now
