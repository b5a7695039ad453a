"""How fast the database is made from the journal: `python tests/bench/folding.py`.

A ledger of mostly training steps is folded in a process of its own, so that its peak memory can be
told. The peer reads the same journal and checks its chain, and does nothing else. Nothing here is a
test.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, median, parser, print_figures
from large_ledger import build

from ledger.cli.base import progress
from ledger.folder import open_folder
from ledger.journal.reader import scan
from ledger.journal.segments import beginning

_FOLD = """
import json, resource, sys, time
from pathlib import Path
from ledger.folder import open_folder
from ledger.store.catch_up import catch_up
folder = open_folder(Path(sys.argv[1]))
folder.database.unlink(missing_ok=True)
started = time.perf_counter()
catch_up(folder)
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([seconds, peak, folder.database.stat().st_size]))
"""
GIB = 2**30


def fold(path: Path) -> tuple[float, int, int]:
    """Seconds, peak memory and size of the file in bytes."""
    ended = subprocess.run(
        [sys.executable, "-c", _FOLD, str(path)], check=True, capture_output=True, text=True
    )
    seconds, peak, size = json.loads(ended.stdout)
    return seconds, peak, size


def read_only(path: Path) -> float:
    """Seconds to follow the chain through the whole journal."""
    folder = open_folder(path)
    started = time.perf_counter()
    for _ in scan(folder.journal, beginning(folder.origin)):
        pass
    return time.perf_counter() - started


def main() -> None:
    """Measure, and print one table."""
    arguments = parser(__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000, help="entries to fold")
    arguments.add_argument("--rounds", type=int, default=3, help="times to fold")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as home:
        with progress("making a ledger") as report:
            folder = build(Path(home), given.events, report)
        rounds = [(*fold(folder.path), read_only(folder.path)) for _ in range(given.rounds)]
        journal = sum(path.stat().st_size for path in folder.journal.glob("*.log"))
    seconds = median([one[0] for one in rounds])
    peers = median([one[3] for one in rounds])
    thousands = given.events / 1000
    many = 60.0 if given.events == 10_000_000 else None
    print_figures(
        [
            Figure("catch-up from the journal", thousands / seconds, "1000/s", 300.0,
                   "chain alone", thousands / peers, is_least=True),
            Figure(f"{given.events} events rebuilt", seconds, "s", many),
            Figure("peak memory", max(one[1] for one in rounds) / GIB, "GiB", 2.0),
            Figure("size of the database", rounds[0][2] / GIB, "GiB", None,
                   "its journal", journal / GIB),
        ],
        as_json=given.json,
    )  # fmt: skip


if __name__ == "__main__":
    main()
