"""Four writers and two readers at once: `python tests/bench/together.py [--seconds 60]`.

No error may reach anybody, positions are contiguous, the audit is clean: a check that fails ends
this with its reason and a code other than 0.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from figures import Figure, median, parser, percentile, print_figures
from nursery import Nursery
from side_by_side import Together, work_together


def append_figures(found: Together, writers: int) -> list[Figure]:
    """How long an append takes beside the others."""
    beside = f"{writers} writer{'s' * (writers > 1)}, 2 readers"
    return [
        Figure(f"{beside}: append, mean", sum(found.append_us) / len(found.append_us), "us"),
        Figure(f"{beside}: append, p99", percentile(found.append_us, 0.99), "us"),
        Figure(f"{beside}: appends", len(found.append_us) / found.seconds, "1/s"),
    ]


def main(options: argparse.Namespace) -> None:
    """Let them work, and print how it went."""
    figures = []
    for writers, seconds in ((1, options.seconds / 4), (4, options.seconds)):
        with tempfile.TemporaryDirectory(dir=options.folder) as home, Nursery() as nursery:
            found = work_together(Path(home), seconds, nursery, writers)
        figures += append_figures(found, writers)
    # A check that failed has raised.
    figures.append(Figure("4 writers, 2 readers: errors that reached anybody", 0, "count", 0))
    figures.append(Figure("4 writers, 2 readers: seconds", found.seconds, "s"))
    figures.append(Figure("4 writers, 2 readers: entries, contiguous", found.entries, "count"))
    for name, took in found.query_ms.items():
        figures.append(Figure(f"query in {name}: median", median(took), "ms"))
        figures.append(Figure(f"query in {name}: p99", percentile(took, 0.99), "ms"))
        figures.append(Figure(f"query in {name}: asked", len(took) / found.seconds, "1/s"))
    print_figures(figures, as_json=options.json)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--seconds", type=float, default=60)
    main(arguments.parse_args())
