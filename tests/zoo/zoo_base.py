"""What a specimen of the zoo is: a mistake in an otherwise clean ledger, and what must catch it.

And what a clean ledger is: an investigation in which every entry is legitimate. Nothing may refuse
any of it, no monitor may mark a run, the audit may object to nothing.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
from ledgers import HUMAN, ORIGIN, START_US
from zoo_lab import Lab

from ledger.clock import FixedClock
from ledger.ledger import Ledger

#: Between two entries of the zoo lies an hour.
HOUR_US = 3_600_000_000


@attrs.frozen
class Specimen:
    """One mistake. `plant` makes it in a fresh ledger and gives the lines of all that objected."""

    name: str
    caught_by: str
    mistake: str
    plant: Callable[[Lab], tuple[str, ...]]

    def said(self, directory: Path) -> tuple[str, ...]:
        """Each objection as NAME: WORDS; NAME is a rule, a monitor, `audit CHECK` or `judge`."""
        with fresh_ledger(directory) as ledger:
            return self.plant(Lab(ledger))


@attrs.frozen
class Clean:
    """One legitimate investigation. `build` raises where any of it is refused."""

    name: str
    story: str
    build: Callable[[Lab], None]

    def alarms(self, directory: Path) -> tuple[str, ...]:
        """All that monitors and the audit object to in it: false alarms."""
        with fresh_ledger(directory) as ledger:
            lab = Lab(ledger)
            self.build(lab)
            return (*lab.marks(), *lab.audit())


def fresh_ledger(directory: Path) -> Ledger:
    """A ledger with its first entry, in which an hour passes from entry to entry."""
    directory.mkdir(parents=True, exist_ok=True)
    clock = FixedClock(START_US, HOUR_US)
    return Ledger.create(directory, ORIGIN, actor=HUMAN, clock=clock)


@contextlib.contextmanager
def a_lab() -> Iterator[Lab]:
    """A bench on a fresh ledger that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, fresh_ledger(Path(folder) / "lab") as ledger:
        yield Lab(ledger)


def names_of(lines: tuple[str, ...]) -> set[str]:
    """Who objected."""
    return {line.partition(":")[0] for line in lines}
