"""How fast the record is, with a peer in the same run: `python tests/bench/record.py`.

Steps of a training loop by one and by four writers, all killed at their end; durable appends; a
decision with much on record; whole processes. Medians over rounds. Absolute times belong to the
machine they were taken on; nothing here is a test.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
from figures import Figure, median, parser, percentile, print_figures
from training import metrics_of, read_times

from ledger import Ledger
from ledger.cli.base import say
from ledger.events import KINDS
from ledger.events.form import completed, parse_body
from ledger.recorder import Draft

HERE = Path(__file__).parent
ORIGIN = "bench.example/record"
HUMAN = "human:bench"
EXECUTOR = "executor:bench"
DURABLE_STEPS = 1_000
ON_RECORD = 100_000
DECISIONS = 200
PROCESS_ROUNDS = 9


def new_ledger(home: Path, name: str) -> Path:
    """The folder of a new ledger."""
    place = home / name
    place.mkdir()
    Ledger.create(place, ORIGIN, actor=HUMAN).close()
    return place


def lines(place: Path) -> Iterator[bytes]:
    """Every line of the journal, position and chain verified by hand."""
    chain, position = hashlib.sha256(f"research-ledger/v1\n{ORIGIN}".encode()).digest(), 0
    for segment in sorted((place / ".ledger" / "journal").glob("*.log")):
        with segment.open("rb") as file:
            for line in file:
                head, said, entry = line[:-1].split(b" ", 2)
                leaf = hashlib.sha256(b"\x00" + entry).digest()
                chain = hashlib.sha256(chain + leaf).digest()
                if (int(head), said.decode()) != (position, chain.hex()):
                    raise SystemExit(f"position {position} is not sound")
                position += 1
                yield line


@attrs.frozen
class Loop:
    """Nanoseconds of each call, of the longest loop, of the processors; how many steps are left."""

    each: list[int]
    whole: int
    processor: int
    kept: int
    place: Path


def train(home: Path, name: str, writers: int, steps: int) -> Loop:
    """Training loops at once, each killed at its end, in a new ledger."""
    place = new_ledger(home, name)
    go = place / "go"
    loops = []
    for number in range(writers):
        times, ready = place / f"times-{number}", place / f"ready-{number}"
        words = [str(word) for word in (place, steps // writers, times, ready, go)]
        process = subprocess.Popen([sys.executable, HERE / "training.py", *words])
        loops.append((process, times, ready))
    for process, _, ready in loops:
        while not ready.exists() and process.poll() is None:
            time.sleep(0.01)
    go.touch()
    if [process.wait() for process, _, _ in loops] != [-9] * writers:
        raise SystemExit("a training loop ended before it was killed")
    found = [read_times(times) for _, times, _ in loops]
    entries = (json.loads(line.split(b" ", 2)[2]) for line in lines(place))
    kept = {(e["body"]["run"], e["body"]["step"]) for e in entries if e["kind"] == "step.taken"}
    return Loop(
        [took for times, _, _ in found for took in times],
        max(whole for _, whole, _ in found),
        sum(processor for _, _, processor in found),
        len(kept),
        place,
    )


def bare_writes(place: Path) -> float:
    """Mean microseconds of writing the same lines with nothing around it."""
    descriptor = os.open(place / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    known = list(lines(place))
    began = time.perf_counter()
    for line in known:
        os.write(descriptor, line)
    took = time.perf_counter() - began
    os.close(descriptor)
    return took / len(known) * 1e6


def training_figures(home: Path, options: argparse.Namespace) -> list[Figure]:
    """One writer and four, flat out."""
    figures = []
    for writers, mean_bar, p99_bar in ((1, 10, 25), (4, 40, 400)):
        loops, bare = [], []
        steps = options.steps // writers * writers
        for number in range(options.rounds):
            say(f"{steps} steps, {writers} writers, round {number + 1} of {options.rounds}")
            loops.append(train(home, f"steps-{writers}-{number}", writers, steps))
            bare.append(bare_writes(loops[-1].place))
        what = f"step of 5 metrics, {writers} writer{'s' * (writers > 1)}"
        means = [sum(loop.each) / len(loop.each) / 1e3 for loop in loops]
        peer = {"peer": "bare write()", "peer_value": median(bare)}
        figures.append(Figure(f"{what}: mean", median(means), "us", mean_bar, **peer))
        for name, share, bar in (
            ("median", 0.5, None),
            ("p99", 0.99, p99_bar),
            ("p99.9", 0.999, None),
        ):
            values = [percentile(loop.each, share) / 1e3 for loop in loops]
            figures.append(Figure(f"{what}: {name}", median(values), "us", bar))
        whole = median([loop.whole / steps / 1e3 for loop in loops])
        figures.append(Figure(f"{what}: time of all over their number", whole, "us"))
        processor = median([loop.processor / steps / 1e3 for loop in loops])
        figures.append(Figure(f"{what}: processor time, loop included", processor, "us"))
        kept = min(loop.kept for loop in loops)
        said = f"{what}: left of {steps} after kill -9"
        figures.append(Figure(said, kept, "steps", steps, is_least=True))
    return figures


def durable_figures(home: Path, options: argparse.Namespace) -> list[Figure]:
    """Durable appends, each followed by a bare write and fdatasync of the same bytes."""
    ours: list[float] = []
    ratios, bare = [], []
    for number in range(options.rounds):
        place = new_ledger(home, f"durable-{number}")
        segment = place / ".ledger" / "journal" / f"{0:020d}.log"
        descriptor = os.open(place / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        mine, theirs = [], []
        with (
            Ledger.open(place, durable=True) as ledger,
            ledger.run("bench", provenance="synthetic") as run,
            segment.open("rb") as file,
        ):
            file.seek(0, os.SEEK_END)
            for step in range(DURABLE_STEPS):
                metrics = metrics_of(step)
                began = time.perf_counter()
                run.step(step, **metrics)
                between = time.perf_counter()
                line = file.read()
                again = time.perf_counter()
                os.write(descriptor, line)
                os.fdatasync(descriptor)
                ended = time.perf_counter()
                mine.append((between - began) * 1e6)
                theirs.append((ended - again) * 1e6)
        os.close(descriptor)
        ours.append(median(mine))
        bare.append(median(theirs))
        ratios.append(median(mine) / median(theirs))
    peer = {"peer": "bare fdatasync", "peer_value": median(bare)}
    return [
        Figure("durable append: median", median(ours), "us", **peer),
        Figure("durable append against a bare fdatasync loop", median(ratios), "ratio", 1.15),
    ]


def draft(kind: str, fields: dict[str, object], cites: tuple[str, ...] = ()) -> Draft:
    """An event to be recorded."""
    return Draft(event=parse_body(KINDS[kind], completed(KINDS[kind], fields)), cites=cites)


def decision_figures(home: Path) -> list[Figure]:
    """A claim and a verdict, decided with much on record."""
    place = new_ledger(home, "decide")
    with Ledger.open(place, actor=HUMAN) as ledger:
        run, _ = ledger.start_run("bench", RUN, actor=EXECUTOR)
        fields = {"run": run, "provenance": "measured"}
        for first in range(0, ON_RECORD, 10_000):
            steps = [
                draft("step.taken", {**fields, "step": first + n, "metrics": metrics_of(n)})
                for n in range(10_000)
            ]
            ledger.append(steps, actor=EXECUTOR)
        declaration = ledger.record("criterion.declared", CRITERION).hash
        about = {"metric": "loss", "unit": "nats", "key": {}, **fields}
        numbers = [draft("measurement.taken", {**about, "value": value}) for value in (2.0, 4.0)]
        evidence = [each.hash for each in ledger.append(numbers, actor=EXECUTOR)]
        claims, verdicts = [], []
        for number in range(DECISIONS):
            claim = {"claim": f"H-{number}", "text": "it holds", "prediction": None}
            claims.append(milliseconds(ledger, draft("claim.stated", claim)))
            status, value = (("DISCHARGED", 2.0), ("FALSIFIED", 4.0))[number % 2]
            names = {"declaration": declaration, "evidence": evidence[number % 2]}
            verdict = {**VERDICT, **names, "status": status, "value": value}
            cites = tuple(names.values())
            verdicts.append(milliseconds(ledger, draft("verdict.given", verdict, cites)))
    what = f"with {ON_RECORD} on record: median"
    return [
        Figure(f"decide a claim {what}", median(claims), "ms", 1),
        Figure(f"decide a verdict {what}", median(verdicts), "ms", 1),
        Figure("decide a verdict: p99", percentile(verdicts, 0.99), "ms"),
    ]


def milliseconds(ledger: Ledger, wanted: Draft) -> float:
    """How long one append takes."""
    began = time.perf_counter()
    ledger.append([wanted])
    return (time.perf_counter() - began) * 1e3


def process_figures(home: Path) -> list[Figure]:
    """Whole processes on a small ledger, beside an interpreter that does nothing."""
    place = new_ledger(home, "small")
    script = Path(sys.executable).with_name("ledger")
    cases: dict[str, tuple[list[str | Path], float | None]] = {
        "python -c pass": ([sys.executable, "-c", "pass"], None),
        "import ledger": ([sys.executable, "-c", "import ledger"], None),
        "ledger --help": ([script, "--help"], None),
        "ledger record": ([script, "record", "note.added", "--text", "x"], 150),
        "ledger query": ([script, "query", "kinds"], 400),
    }
    took: dict[str, list[float]] = {name: [] for name in cases}
    environment = os.environ | {"LEDGER_DIR": str(place), "LEDGER_ACTOR": HUMAN}
    for _ in range(PROCESS_ROUNDS):
        for name, (words, _) in cases.items():
            began = time.perf_counter()
            subprocess.run(words, env=environment, check=True, capture_output=True)
            took[name].append((time.perf_counter() - began) * 1e3)
    bare = median(took.pop("python -c pass"))
    return [
        Figure(f"{name}, whole process", median(each), "ms", cases[name][1], "python -c pass", bare)
        for name, each in took.items()
    ]


CRITERION = {
    "criterion": "LOSS", "title": "the loss is small", "metric": "loss", "operator": "<=",
    "threshold": 3.0, "unit": "nats", "blocking": True, "model": None, "binding": {},
}  # fmt: skip
VERDICT = {
    "criterion": "LOSS", "metric": "loss", "operator": "<=", "threshold": 3.0, "unit": "nats",
}  # fmt: skip
RUN = {
    "executor": "bench", "program": "bench", "provenance": "measured", "arguments": {},
    "inputs": {}, "model": {}, "device_asked": None, "device_observed": None,
    "device_reason": None, "dtype": None, "dtype_reason": None, "compiler": None,
    "environment": {}, "seed": None,
}  # fmt: skip


def main(options: argparse.Namespace) -> None:
    """Measure, and print one table."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        home = Path(folder)
        figures += training_figures(home, options)
        say("durable appends, decisions, whole processes")
        figures += durable_figures(home, options)
        figures += decision_figures(home)
        figures += process_figures(home)
    print_figures(figures, as_json=options.json)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--steps", type=int, default=300_000, help="of all writers together")
    arguments.add_argument("--rounds", type=int, default=3)
    main(arguments.parse_args())
