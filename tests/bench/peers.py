"""The same training loop with other people's programs: `python tests/bench/peers.py`.

Time of a step of five metrics, and how many steps are left when the process is killed right after
its last call returned. Needs the extra `bench`, in an environment of its own (`make bench-peers`);
a peer that is not installed there is named, and nothing is said of it.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import median, parser, percentile
from peer_loops import PEERS
from record import train
from training import read_times

from ledger import __version__
from ledger.cli.base import print_table, say
from ledger.queries import Table

HERE = Path(__file__).parent
#: What a peer's helper processes get to write down what they hold, once the loop is dead.
GRACE_SECONDS = 5
LIMIT_SECONDS = 300
CONTROL_STEPS = 50
OURS = "research-ledger"
#: Nanoseconds of each call, and how many steps are left.
Round = tuple[list[int], int]
COLUMNS = ("program", "version", "steps", "mean us", "p99 us", "left after kill -9", "remark")


class Environment:
    """The interpreter of the peers, and a folder that it may take for its home."""

    def __init__(self, python: Path, home: Path) -> None:
        self.python = python
        self._values = os.environ | {
            "HOME": str(home),
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "WANDB_MODE": "offline",
            "GIT_PYTHON_REFRESH": "quiet",
        }

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        """One call of `peer_loops.py`; its helper processes end with it, but for the grace."""
        process = subprocess.Popen(
            [self.python, HERE / "peer_loops.py", *map(str, words)],
            env=self._values,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        try:
            # A helper keeps stdout open after the loop is dead: wait for the loop, not for stdout.
            code = process.wait(LIMIT_SECONDS)
            if code:
                time.sleep(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            _end_session(process.pid)
        said = process.stdout.read() if process.stdout else ""
        process.wait()
        return subprocess.CompletedProcess(words, code, said)


def _end_session(session: int) -> None:
    """End what is left of a session that was begun here."""
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        return


def left(environment: Environment, name: str, home: Path) -> int | None:
    """How many steps the peer's own reader finds; None where it fails."""
    found = re.search(r"left: (\d+)", environment.run(name, "read", home).stdout)
    return int(found[1]) if found else None


def problem(environment: Environment, name: str, home: Path) -> tuple[str | None, str | None]:
    """(version, why it is not measured): a run that ends well must be read back in full."""
    version = environment.run(name, "version", home)
    if version.returncode:
        return None, "not installed"
    control = home / f"{name}-control"
    control.mkdir()
    environment.run(name, "end", control, CONTROL_STEPS)
    read = left(environment, name, control)
    whole = read == CONTROL_STEPS
    remark = None if whole else f"{read} of {CONTROL_STEPS} steps read after a good end"
    return version.stdout.strip(), remark


def peer_round(environment: Environment, name: str, place: Path, steps: int) -> Round:
    """One loop of a peer, killed at its end."""
    place.mkdir()
    ended = environment.run(name, "log", place, steps, place / "times")
    if ended.returncode != -signal.SIGKILL:
        raise SystemExit(f"{name} did not come to its end")
    each, _, _ = read_times(place / "times")
    return each, left(environment, name, place) or 0


def our_round(home: Path, name: str, steps: int) -> Round:
    """One loop of ours, killed at its end."""
    loop = train(home, name, 1, steps)
    return loop.each, loop.kept


def row(name: str, version: str, steps: int, rounds: list[Round]) -> tuple[object, ...]:
    """Medians over rounds; of the steps that are left, the fewest."""
    mean = median([sum(each) / len(each) / 1e3 for each, _ in rounds])
    tail = median([percentile(each, 0.99) / 1e3 for each, _ in rounds])
    return (
        name,
        version,
        steps,
        round(mean, 2),
        round(tail, 2),
        min(kept for _, kept in rounds),
        None,
    )


def main(options: argparse.Namespace) -> None:
    """Measure, each program in turn and again, and print one table, the fastest first."""
    rows: list[tuple[object, ...]] = []
    found: dict[str, list[Round]] = {OURS: []}
    versions = {OURS: __version__}
    steps = {OURS: options.steps}
    with tempfile.TemporaryDirectory(dir=options.folder, ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        environment = Environment(options.python, home)
        for name in PEERS:
            version, remark = problem(environment, name, home)
            if version is None or remark is not None:
                rows.append((name, version, None, None, None, None, remark))
            else:
                found[name], versions[name] = [], version
                steps[name] = min(options.steps, PEERS[name][3])
        for number in range(options.rounds):
            for name in found:
                say(f"{name}, round {number + 1} of {options.rounds}")
                if name == OURS:
                    found[name].append(our_round(home, f"ours-{number}", steps[name]))
                else:
                    place = home / f"{name}-{number}"
                    found[name].append(peer_round(environment, name, place, steps[name]))
    measured = [row(name, versions[name], steps[name], found[name]) for name in found]
    measured.sort(key=lambda row: row[3])
    print_table(Table(COLUMNS, (*measured, *rows)), "json" if options.json else "table")


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--steps", type=int, default=20_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="the interpreter of the peers"
    )
    main(arguments.parse_args())
