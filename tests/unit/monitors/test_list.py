"""The room of monitors: its list, and what each member says of itself."""

import importlib
import inspect
from pathlib import Path

import pytest

from ledger import monitors
from ledger.monitors import MONITORS, RunView, word_of
from ledger.monitors.base import Mark

PARTS = {"__init__", "base", "runs", "settings", "progress"}


def test_every_monitor_is_listed():
    """Each file of the room that is no part of it exports a monitor, and the tuple has it once."""
    folder = Path(inspect.getfile(monitors)).parent
    names = sorted({path.stem for path in folder.glob("*.py")} - PARTS)
    found = [importlib.import_module(f"ledger.monitors.{name}").MONITOR for name in names]
    assert sorted(one.name for one in found) == sorted(one.name for one in MONITORS)
    assert len({one.name for one in MONITORS}) == len(MONITORS)


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda one: one.name)
def test_a_monitor_says_what_it_sees(monitor):
    """One sentence, a mark, and thresholds in capitals with a reason at the top of its file."""
    assert monitor.sees.endswith(".")
    assert monitor.mark in ("INVALID", "SUSPECT")
    source = inspect.getsource(inspect.getmodule(monitor.check))
    head = source.partition("\ndef ")[0]
    assert "#: " in head
    assert ": Final = " in head or ": Final[" in head


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda one: one.name)
def test_a_monitor_is_silent_where_nothing_is_known(monitor):
    """A run of which only the name is known gets no mark."""
    assert list(monitor.check(RunView(run="r", position=0, ended=False))) == []
    assert list(monitor.check(RunView(run="r", position=0, reported=True))) == []


def test_the_gravest_mark_counts():
    """INVALID beats SUSPECT; no mark is no word."""
    marks = [
        Mark(monitor="m", mark=word, why="w", events=(1,), numbers={})
        for word in ("SUSPECT", "INVALID")
    ]
    assert word_of(marks) == "INVALID"
    assert word_of(marks[:1]) == "SUSPECT"
    assert word_of([]) is None
