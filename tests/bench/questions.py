"""How fast a large record answers: `python tests/bench/questions.py`.

Each question is asked of one open reader until it is warm, and timed then; opening the reader is
timed beside it. Medians over rounds. Nothing here is a test.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from figures import Figure, median, parser, print_figures
from large_ledger import build

from ledger.cli.base import progress, say
from ledger.folder import Folder, open_folder
from ledger.queries import find_query
from ledger.store.reader import open_reader

BAR_MS = 150.0
ROUNDS = 7


def questions(folder: Folder) -> list[tuple[str, str, dict[str, Any], int | None]]:
    """What is asked, by which query, with which parameters, as of which position."""
    with open_reader(folder) as db:
        ((last,),) = db.execute("select max(position) from events").fetchall()
        ((claim, text),) = db.execute(
            "select claim, text from claims where not reported order by position limit 1"
        ).fetchall()
        ((verdict,),) = db.execute(
            "select max(position) from statuses where not reported"
        ).fetchall()
        ((run,),) = db.execute(
            "select run from step_metrics group by run order by count(*) desc, run limit 1"
        ).fetchall()
        ((compared,),) = db.execute("select max(run) from comparisons").fetchall()
    return [
        ("claim status as of the middle", "claims", {"claim": claim}, last // 2),
        ("board over 20 positions", "board_history", {"points": 20}, None),
        ("evidence of a verdict", "evidence", {"of": verdict}, None),
        ("curve in 1,000 points", "curve_points",
         {"run": run, "metric": "loss", "points": 1000}, None),
        ("comparison by layer", "compare", {"run": compared}, None),
        ("claim text search", "claims", {"text": " ".join(text.split()[:2])}, None),
    ]  # fmt: skip


def ask(folder: Folder, name: str, values: dict[str, Any], at: int | None) -> tuple[float, float]:
    """Milliseconds to open the reader, and of the question once it is warm."""
    started = time.perf_counter()
    with open_reader(folder, at=at) as db:
        opened = time.perf_counter() - started
        query = find_query(name)
        if not query.run(db, values).rows:
            raise SystemExit(f"{name} has no answer")
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            query.run(db, values)
            times.append(time.perf_counter() - began)
    return opened * 1000, median(times) * 1000


def main() -> None:
    """Measure, and print one table."""
    arguments = parser(__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000, help="entries on record")
    arguments.add_argument("--ledger", type=Path, help="ask this one, and make none")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as home:
        if given.ledger:
            folder = open_folder(given.ledger)
        else:
            with progress("making a ledger") as report:
                folder = build(Path(home), given.events, report)
        with progress("folding") as report, open_reader(folder, on_progress=report):
            say("folded")
        figures = []
        for what, name, values, at in questions(folder):
            opened, warm = ask(folder, name, values, at)
            figures.append(Figure(what, warm, "ms", BAR_MS, "open the reader", opened))
    print_figures(figures, as_json=given.json)


if __name__ == "__main__":
    main()
