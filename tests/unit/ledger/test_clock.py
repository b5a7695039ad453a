"""Clocks."""

import time

from ledger.clock import FixedClock, SystemClock


def test_fixed_clock_steps():
    """A fixed clock starts where told and advances by its step."""
    clock = FixedClock(10, step_us=5)
    assert [clock.now_us() for _ in range(3)] == [10, 15, 20]


def test_system_clock_never_goes_back(monkeypatch):
    """When the machine's clock is set back, the time stands still."""
    clock = SystemClock()
    before = clock.now_us()
    assert abs(before - time.time() * 1e6) < 60e6
    monkeypatch.setattr(time, "time_ns", lambda: (before - 5_000_000) * 1000)
    assert clock.now_us() == before
