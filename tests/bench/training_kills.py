"""`kill -9` of trainings at random moments: `python tests/bench/training_kills.py [--kills 50]`.

Each run goes on with `--resume` until it is done, and must end in the state of one that was left
alone; a check that fails ends this with its reason and a code other than 0.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from figures import Figure, parser, print_figures
from training_kills import kill_and_resume

from ledger.cli.base import progress


def main(options: argparse.Namespace) -> None:
    """Kill as often as told, and print what came of it."""
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as home,
        progress("kills") as show,
    ):
        found = kill_and_resume(
            Path(home), options.kills, options.seed, lambda n: show(n, options.kills)
        )
    counted = (
        ("kill -9 of a training, then --resume: the same state", found.kills),
        ("processes", found.processes),
        ("steps on record", found.steps),
        ("steps taken twice, with the same losses", found.repeated),
    )
    figures = [Figure(what, value, "count") for what, value in counted]
    print_figures([*figures, Figure("all of it", found.seconds, "s")], as_json=options.json)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--seed", type=int, default=1)
    main(arguments.parse_args())
