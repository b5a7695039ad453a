"""Writers and readers at once for some seconds: nobody is to see an error, nothing is to be odd."""

import json
import time
from array import array
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from labs import SCRIPT
from lasting import STEPS_A_NOTE
from ledgers import HUMAN
from nursery import Nursery

from ledger.audit import audit
from ledger.journal.reader import scan
from ledger.journal.segments import beginning
from ledger.ledger import Ledger

KINDS = (b'"kind":"step.taken"', b'"kind":"note.added"')


@dataclass(frozen=True)
class Together:
    """What it came to. Times of one append in microseconds, of one query in milliseconds."""

    seconds: float
    entries: int
    append_us: list[float]
    query_ms: dict[str, list[float]]


def work_together(directory: Path, seconds: float, nursery: Nursery, writers: int = 4) -> Together:
    """Record with `writers` processes and ask with two, one of them through the command line.

    A process that said anything on stderr or did not end with 0 raises `AssertionError`, as does a
    journal that is not contiguous, lacks an append, or is not clean to the audit.
    """
    Ledger.create(directory, "example.org/together", actor=HUMAN).close()
    steps = [directory / f"steps-{number}" for number in range(writers)]
    answers = {"Python": directory / "python", "command line": directory / "shell"}
    tasks = [("lasting.take_steps", directory, seconds, file) for file in steps]
    tasks.append(("lasting.ask_in_python", directory, seconds, answers["Python"]))
    tasks.append(("lasting.ask_in_shell", directory, seconds, answers["command line"], SCRIPT))
    said = [directory / f"said-{number}" for number in range(len(tasks))]
    began = time.monotonic()
    pids = [nursery.start(*task, said=file) for task, file in zip(tasks, said, strict=True)]
    codes = [nursery.wait(pid) for pid in pids]
    took = time.monotonic() - began
    talk = [file.read_text() for file in said]
    assert (codes, talk) == ([0] * len(tasks), [""] * len(tasks))
    with Ledger.open(directory) as ledger:
        folder = ledger.folder
    counted, end = Counter(), 0
    for line, _ in scan(folder.journal, beginning(folder.origin)):
        assert line.position == end
        end += 1
        counted.update(kind for kind in KINDS if kind in line.entry)
    append_us = [each / 1e3 for file in steps for each in array("q", file.read_bytes())]
    notes = sum(file.stat().st_size // 8 // STEPS_A_NOTE for file in steps)
    assert dict(counted) == dict(zip(KINDS, (len(append_us), notes), strict=True))
    report = audit(folder)
    assert (report.exit_code, report.entries) == (0, end), report.findings
    query_ms = {name: json.loads(file.read_text()) for name, file in answers.items()}
    return Together(took, end, append_us, query_ms)
