"""What a benchmark prints: figures with their bars, and a peer's figure from the same run."""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

import attrs

from ledger.cli.base import print_table
from ledger.queries import Table


@attrs.frozen
class Figure:
    """One measured value. `bar` is the most it may be, or the least where `is_least`."""

    what: str
    value: float
    unit: str
    bar: float | None = None
    peer: str | None = None
    peer_value: float | None = None
    is_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.is_least else self.value <= self.bar


def print_figures(figures: Sequence[Figure], *, as_json: bool) -> None:
    """Print one table to stdout."""
    columns = ("what", "figure", "unit", "bar", "met", "peer", "its figure")
    rows = tuple(
        (
            figure.what,
            round(figure.value, 4),
            figure.unit,
            figure.bar if as_json or figure.bar is None else _bar_text(figure),
            figure.met,
            figure.peer,
            None if figure.peer_value is None else round(figure.peer_value, 4),
        )
        for figure in figures
    )
    print_table(Table(columns, rows), "json" if as_json else "table")


def _bar_text(figure: Figure) -> str:
    return f"{'>=' if figure.is_least else '<='} {figure.bar:g}"


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser with what the benchmarks share."""
    made = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    made.add_argument(
        "--folder", type=Path, help="where to write; the system's temporary folder if left out"
    )
    return made


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all values do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def median(values: Sequence[float]) -> float:
    """The value in the middle."""
    return statistics.median(values)
