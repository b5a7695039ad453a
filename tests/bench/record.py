"""How fast the record is, with a peer in the same run: `make bench`.

Prints medians over rounds. Absolute times belong to the machine they were taken on; the ratios to
the bare loops beside them are what to compare. Nothing here is a test.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ledger import Ledger
from ledger.audit import audit
from ledger.cli.base import print_table
from ledger.events import KINDS
from ledger.events.form import parse_body
from ledger.queries import Table
from ledger.recorder import Draft
from ledger.store.catch_up import catch_up

ROUNDS = 5
STEPS = 2_000
DURABLE_STEPS = 200
BULK = 50_000
EXECUTOR = "executor:bench"
METRICS = {"loss": 2.5, "lr": 1e-4, "grad_norm": 1.25, "tokens_per_sec": 15460.5, "wall_ms": 22.5}


def step(number: int) -> Draft:
    """One training step with five metrics, validated as a training loop would have it."""
    body = {"run": "bench", "step": number, "provenance": "synthetic", "metrics": METRICS}
    return Draft(event=parse_body(KINDS["step.taken"], body))


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def appends(home: Path, count: int, *, durable: bool) -> tuple[float, float]:
    """Microseconds an append: of the ledger, and of a bare loop that writes the same bytes."""
    with Ledger.create(home, "bench/append", actor=EXECUTOR) as ledger:
        pass
    with Ledger.open(home, actor=EXECUTOR, durable=durable) as ledger:
        ledger.append([step(0)])
        ours = seconds(lambda: [ledger.append([step(n)]) for n in range(count)])
    lines = (ledger.folder.journal / f"{0:020d}.log").read_bytes().splitlines(keepends=True)[2:]
    descriptor = os.open(home / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def bare() -> None:
        for line in lines:
            os.write(descriptor, line)
            if durable:
                os.fdatasync(descriptor)

    theirs = seconds(bare)
    os.close(descriptor)
    return ours / count * 1e6, theirs / count * 1e6


def bulk(home: Path) -> tuple[float, float]:
    """Thousand entries a second: folded into the database, and audited."""
    with Ledger.create(home, "bench/bulk", actor=EXECUTOR) as ledger:
        for first in range(0, BULK, 10_000):
            ledger.append([step(first + n) for n in range(10_000)])
        folding = seconds(lambda: catch_up(ledger.folder))
        auditing = seconds(lambda: audit(ledger.folder))
    return BULK / folding / 1e3, BULK / auditing / 1e3


def command(home: Path, *words: str) -> float:
    """Milliseconds of a whole process."""
    script = Path(sys.executable).with_name("ledger")
    environment = os.environ | {"LEDGER_DIR": str(home), "LEDGER_ACTOR": "human:bench"}
    return 1e3 * seconds(
        lambda: subprocess.run([script, *words], env=environment, check=True, capture_output=True)
    )


def main() -> None:
    """Measure, and print one table."""
    found: dict[tuple[str, str], list[float]] = {}
    peers: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            for name, count, durable in (
                ("append a step", STEPS, False),
                ("append a step, durable", DURABLE_STEPS, True),
            ):
                place = home / name.replace(" ", "-")
                place.mkdir()
                ours, theirs = appends(place, count, durable=durable)
                found.setdefault((name, "us"), []).append(ours)
                peers.setdefault((name, "us"), []).append(theirs)
            (home / "bulk").mkdir()
            folded, audited = bulk(home / "bulk")
            found.setdefault(("fold into the database", "1000/s"), []).append(folded)
            found.setdefault(("audit", "1000/s"), []).append(audited)
            small = home / "append-a-step"
            for words in (("--help",), ("record", "note.added", "--text", "x"), ("query", "kinds")):
                key = (f"ledger {words[0]}, whole process", "ms")
                found.setdefault(key, []).append(command(small, *words))
    rows = []
    for key, values in found.items():
        ours = statistics.median(values)
        peer = statistics.median(peers[key]) if key in peers else None
        rows.append((key[0], ours, key[1], peer, ours / peer if peer else None))
    print_table(Table(("what", "median", "unit", "bare loop", "ratio"), tuple(rows)))


if __name__ == "__main__":
    main()
