"""`kill -9` at random moments, one to four writers: `python tests/bench/kills.py [--kills 1000]`.

Nothing acknowledged may be lost or moved, nothing may stand twice, and the audit must be clean
after each kill; a check that fails ends this with its reason and a code other than 0.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from figures import Figure, parser, print_figures
from killing import kill_at_random
from nursery import Nursery

from ledger.cli.base import progress


def main(options: argparse.Namespace) -> None:
    """Kill as often as told, and print what survived."""
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as home,
        Nursery() as nursery,
        progress("kills") as show,
    ):
        found = kill_at_random(
            Path(home), options.kills, options.seed, nursery, lambda n: show(n, options.kills)
        )
    # A check that failed has raised: what follows is how much was looked at.
    counted = (
        ("kill -9, 1 to 4 writers: no entry lost, moved or doubled", found.kills),
        ("kill -9 of a query, folding or not", found.reader_kills),
        ("audits after them, all clean", found.audits),
        ("entries acknowledged, each found where it was told", found.acknowledged),
        ("appends refused by a rule, none found", found.refused),
        ("appends written whole, but not acknowledged yet", found.in_flight),
        ("entries on record", found.entries),
        ("segments", found.segments),
        ("torn tails healed", found.gaps),
        ("ledgers, whose state and database equal the journal", found.ledgers),
    )
    figures = [Figure(what, value, "count") for what, value in counted]
    print_figures([*figures, Figure("all of it", found.seconds, "s")], as_json=options.json)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--kills", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=1)
    main(arguments.parse_args())
