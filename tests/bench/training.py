"""A training loop that logs five metrics a step, and is killed right after its last call returned.

Run as a program it is our own: `python training.py FOLDER STEPS TIMES READY GO`. `flat_out` is the
loop of `peer_loops.py` too, so nothing of the ledger is imported here before it is used.
"""

import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORD = 8


def metrics_of(number: int) -> dict[str, float]:
    """The metrics of a step."""
    return {
        "loss": 6.0 / (1.0 + number / 5000),
        "lr": 3e-4 * (1.0 - number / 10_000_000),
        "grad_norm": 1.25 + number % 17 / 16,
        "tokens_per_sec": 15460.5 + number % 7,
        "wall_ms": 22.5 + number % 13 / 8,
    }


def flat_out(log: Callable[[int, dict[str, float]], Any], steps: int, times: Path) -> None:
    """Call `log` for each step, write down the times that `read_times` reads, then die.

    The times are in mapped memory, which outlives the process, so nothing runs after the last call
    but the `kill -9`.
    """
    with times.open("w+b") as file:
        file.truncate((steps + 2) * WORD)
        memory = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
    memory[:] = memory  # every page is there before the clock runs
    clock = time.perf_counter_ns
    first, before = clock(), time.process_time_ns()
    for number in range(steps):
        metrics = metrics_of(number)
        began = clock()
        log(number, metrics)
        memory[number] = clock() - began
    memory[steps], memory[steps + 1] = clock() - first, time.process_time_ns() - before
    os.kill(os.getpid(), signal.SIGKILL)


def read_times(times: Path) -> tuple[list[int], int, int]:
    """Nanoseconds of each call, of the whole loop, and of the processor's time in it."""
    *each, whole, processor = memoryview(times.read_bytes()).cast("q")
    return each, whole, processor


def main(folder: str, steps: str, times: str, ready: str, go: str) -> None:
    """Take steps in a run of the ledger in `folder`, once `go` is there."""
    from ledger import Ledger

    with Ledger.open(folder) as ledger, ledger.run("train", provenance="synthetic") as run:
        Path(ready).touch()
        while not Path(go).exists():
            time.sleep(0.001)
        step = run.step
        flat_out(lambda number, metrics: step(number, **metrics), int(steps), Path(times))


if __name__ == "__main__":
    main(*sys.argv[1:])
