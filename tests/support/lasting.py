"""Processes of `nursery.py` that record or ask until they are killed, or for some seconds.

Everything that a writer records carries a label, `<writer> <append> <index> <size>`; each append
that returned is written down before the next: `<append> <position> <hash>` for each entry, or
`<append> - -` where a rule refused it.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from ledgers import EXECUTOR, HUMAN, SmallLedger, note, step

from ledger.clock import SystemClock
from ledger.errors import Rejected
from ledger.events.claim import ClaimStated
from ledger.folder import open_folder
from ledger.recorder import Draft

#: While a file of this name lies in the folder, writers wait before their next append.
PAUSE = "pause"
SIZES = (1,) * 20 + (2,) * 8 + (5,) * 4 + (40,) * 2 + (1500,)
STEPS_A_NOTE = 500
METRICS = {"loss": 2.5, "lr": 1e-4, "grad_norm": 1.25, "tokens_per_sec": 15460.5, "wall_ms": 22.5}


def record_until_killed(folder: str, name: str, file: str, segment_bytes: str, how: str) -> None:
    """Record for ever, as fast as it goes: `steps` of one run, or everything, perhaps `durable`."""
    draw = random.Random(name)  # noqa: S311 - a seed, not a secret
    where, durable = open_folder(Path(folder)), how == "durable"
    ledger = SmallLedger(where, int(segment_bytes), clock=SystemClock(), durable=durable)
    acknowledged = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    take_step = ledger.run(name, program="test 1", provenance="synthetic").__enter__().step
    number, pause = 0, str(where.path / PAUSE)
    while True:
        while os.access(pause, os.F_OK):
            time.sleep(0.002)
        if how == "steps":
            receipts = [take_step(number, **METRICS)]
        else:
            receipts = _append_any(ledger, draw, name, number)
        said = [f"{number} {receipt.position} {receipt.hash}\n" for receipt in receipts]
        os.write(acknowledged, "".join(said or [f"{number} - -\n"]).encode())
        number += 1


def _append_any(ledger, draw, name, number):
    """One append of any family and size; nothing where a rule refuses it."""
    size, shape = draw.choice(SIZES), draw.random()
    if shape < 0.25:  # several writers want this name
        fields = {"text": f"{name} {number} 0 1", "prediction": None}
        fields |= dict.fromkeys(("over", "commit", "expires_at"))
        claim = ClaimStated(claim=f"H-{draw.randint(0, 8)}", **fields)
        with contextlib.suppress(Rejected):
            return ledger.append([Draft(event=claim)], actor=HUMAN)
        return []
    labels = [f"{name} {number} {index} {size}" for index in range(size)]
    drafts = [note(label) for label in labels]
    if shape < 0.7:
        drafts = [step(f"{name}.{number}.{size}", index) for index in range(size)]
    elif shape < 0.8:
        drafts[0] = step(f"{name}.{number}.{size}", 0)
    return ledger.append(drafts, actor=EXECUTOR)


def label_of(entry: dict) -> tuple[str, int, int, int] | None:
    """(writer, append, index, size) of an entry's fields; None for what carries no label."""
    body, kind = entry["body"], entry["kind"]
    if kind in ("note.added", "claim.stated"):
        name, *numbers = body["text"].split()
        return (name, *map(int, numbers)) if len(numbers) == 3 else None
    if kind != "step.taken":
        return None
    name, *numbers = body["run"].split(".")
    if numbers:
        return name, int(numbers[0]), body["step"], int(numbers[1])
    return name.rpartition("-")[0], body["step"], 0, 1


def ask_until_killed(folder: str, problem: str) -> int:
    """Fold in small slices and ask, for ever; code 1, and a file, where an answer is wrong."""
    from ledger.store import slices
    from ledger.store.reader import open_reader

    slices.SLICE_BYTES = 30_000
    where, before = open_folder(Path(folder)), 0
    sql = "select count(*), count(distinct position), coalesce(max(position) + 1, 0) from events"
    while True:
        with open_reader(where) as db:
            ((count, distinct, end),) = db.execute(sql).fetchall()
        if not count == distinct == end >= before:
            Path(problem).write_text(f"{count} {distinct} {end} after {before}")
            return 1
        before = end


def take_steps(folder: str, seconds: str, file: str) -> None:
    """Take training steps flat out; the nanoseconds of each call go to a file.

    One in five hundred is followed by a note, which is decided and not timed.
    """
    from array import array

    from ledger.ledger import Ledger

    took, clock = array("q"), time.perf_counter_ns
    with Ledger.open(folder) as ledger, ledger.run("train", provenance="synthetic") as run:
        until = clock() + int(float(seconds) * 1e9)
        began = clock()
        while began < until:
            run.step(**METRICS)
            took.append(clock() - began)
            if len(took) % STEPS_A_NOTE == 0:
                ledger.append([note(f"after {len(took)} steps of {run.name}")], actor=HUMAN)
            began = clock()
    Path(file).write_bytes(took.tobytes())


def ask_in_python(folder: str, seconds: str, file: str) -> int:
    """Ask through one Ledger after the other; milliseconds of each to a file. Code 1: wrong."""
    from ledger.ledger import Ledger

    took, before, until = [], 0, time.monotonic() + float(seconds)
    while time.monotonic() < until:
        began = time.perf_counter()
        with Ledger.open(folder) as ledger:
            rows = ledger.query("kinds").objects()
        took.append((time.perf_counter() - began) * 1e3)
        count = sum(row["events"] for row in rows)
        end = max(row["position"] for row in rows) + 1
        if not count == end >= before:
            sys.stderr.write(f"{count} events up to {end}, after {before}\n")
            return 1
        before = end
    Path(file).write_text(json.dumps(took))
    return 0


def ask_in_shell(folder: str, seconds: str, file: str, script: str) -> int:
    """Ask through the command line; milliseconds of each to a file. Code 1: it did not answer."""
    took, before, until = [], 0, time.monotonic() + float(seconds)
    words = [script, "query", "kinds", "--ledger", folder, "--json"]
    while time.monotonic() < until:
        began = time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        took.append((time.perf_counter() - began) * 1e3)
        rows = json.loads(done.stdout) if done.returncode == 0 else []
        count = sum(row["events"] for row in rows)
        if done.returncode or done.stderr or count < before:
            sys.stderr.write(f"{done.returncode} {count} after {before}: {done.stderr}\n")
            return 1
        before = count
    Path(file).write_text(json.dumps(took))
    return 0
