"""How long judging takes: `python tests/bench/judging.py --events 10000000`.

Every criterion of a large ledger is judged twice: first nothing has a verdict, so all of them are
decided and recorded; then nothing is new. The peer asks the database for the rows that judging
reads, and does nothing with them. Nothing here is a test.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, parser, print_figures
from large_ledger import HUMAN, build

from ledger import Ledger
from ledger.cli.base import progress, say
from ledger.commands.judge import judge
from ledger.store.catch_up import catch_up
from ledger.store.reader import open_reader

_READ = "select name, hash from criteria union all select metric, hash from measurements"


def timed(home: Path) -> tuple[float, int]:
    """Seconds of a whole `ledger judge` process, and how many rows it told of."""
    script = str(Path(sys.executable).with_name("ledger"))
    words = [script, "judge", "--json", "--actor", HUMAN]
    began = time.perf_counter()
    ended = subprocess.run([*words, "--ledger", str(home)], check=False, capture_output=True)
    seconds = time.perf_counter() - began
    return seconds, ended.stdout.count(b'"criterion"')


def main() -> None:
    """Measure, and print one table."""
    arguments = parser(__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000, help="entries on record")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as home:
        with progress("making a ledger") as report:
            folder = build(Path(home), given.events, report, is_judged=False)
        say("folding it")
        catch_up(folder)
        with Ledger(folder, actor=HUMAN) as ledger:
            began = time.perf_counter()
            ledger.recorder.state  # noqa: B018 - folds what decisions need
            state = time.perf_counter() - began
            began, busy = time.perf_counter(), time.process_time()
            told = judge(ledger, [])
            first, worked = time.perf_counter() - began, time.process_time() - busy
            began = time.perf_counter()
            judge(ledger, [])
            again = time.perf_counter() - began
        process, rows = timed(folder.path)
        began = time.perf_counter()
        with open_reader(folder) as db:
            db.execute(_READ).fetchall()
        read = time.perf_counter() - began
    met = sum(one.status != "unknown" for one in told)
    bar = 5.0 if given.events == 10_000_000 else None
    peer = ("bare query", read)
    print_figures(
        [
            Figure("state for decisions, made anew", state, "s"),
            Figure(f"{len(told)} criteria judged, {met} new verdicts", first, "s", bar, *peer),
            Figure("the same, processor time", worked, "s"),
            Figure("judged again, nothing new", again, "s", bar, *peer),
            Figure(f"ledger judge, whole process, {rows} rows", process, "s", None, *peer),
        ],
        as_json=given.json,
    )


if __name__ == "__main__":
    main()
