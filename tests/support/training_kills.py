"""`kill -9` of a training at random moments, then `--resume`, until it is done."""

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from labs import ask
from trainings import answer, environment, new_training_room, words

from ledger.audit import audit
from ledger.folder import open_folder

PROGRAM = (
    sys.executable,
    "-c",
    "import sys; from ledger.cli import run; sys.exit(run(sys.argv[1:]))",
)
STEPS = 24
#: Steps that a process may take before it is killed; 0 is a kill before its first.
MOST_STEPS = 6


@dataclass
class Outcome:
    """What was killed, and what came of it."""

    kills: int = 0
    processes: int = 0
    steps: int = 0
    repeated: int = 0
    seconds: float = 0.0


def kill_and_resume(folder: Path, kills: int, seed: int, report=lambda _n: None) -> Outcome:
    """Kill runs as often as told; each must end in the state of one that was left alone.

    Raises `AssertionError` where a state, a loss or the audit is not as it should be.
    """
    began = time.monotonic()
    draw = random.Random(seed)  # noqa: S311 - moments of kills
    room = new_training_room(folder)
    asked = words(room, steps=STEPS, checkpoint_every=3, eval_every=6, samples=0)
    command, around = _command(asked), _env(room)
    alone = answer(subprocess.check_output(command, env=around, stderr=subprocess.PIPE, text=True))
    wanted = _losses(room, alone["run"])
    outcome = Outcome(processes=1)
    while outcome.kills < kills:
        name = f"pretrain-{1 + len(_runs(room)):04d}"
        said = None
        next_words = asked
        while said is None:
            outcome.processes += 1
            said = _until_killed(room, next_words, draw, outcome, kills)
            report(outcome.kills)
            if name in _runs(room):
                next_words = [*asked[:3], "--resume", name, "--out", str(room / "runs"), "--json"]
        assert said["run"] == name
        assert said["state"] == alone["state"], f"{name} ended in another state"
        assert _losses(room, name) == wanted, f"{name} has other losses"
    found = audit(open_folder(room / "lab" / ".ledger"))
    assert not [f for f in found.findings if f.severity == "broken"], found.findings
    taken = ask(
        open_folder(room / "lab" / ".ledger"), "select count(*) from steps where metric = 'loss'"
    )
    outcome.steps = taken[0][0]
    outcome.repeated = outcome.steps - STEPS * len(_runs(room))
    outcome.seconds = time.monotonic() - began
    return outcome


def _until_killed(room: Path, asked: list[str], draw: random.Random, outcome: Outcome, kills: int):
    """Train until it is time to die; None, or what the command said where it came to its end."""
    before = _steps_written(room)
    allowed = draw.randint(0, MOST_STEPS) if outcome.kills < kills else None
    with subprocess.Popen(
        _command(asked),
        env=_env(room),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        while process.poll() is None and allowed is not None:
            if _steps_written(room) - before >= allowed:
                time.sleep(draw.uniform(0, 0.25) * (8 if allowed == 0 else 1))
                process.kill()
                break
            time.sleep(0.005)
        out, _ = process.communicate()
    if process.returncode == -9:
        outcome.kills += 1
        return None
    assert process.returncode == 0, f"the training ended with {process.returncode}"
    return answer(out)


def _command(asked: list[str]) -> list[str]:
    return [*PROGRAM, *asked]


def _env(room: Path) -> dict[str, str]:
    return {**os.environ, **environment(room)}


def _steps_written(room: Path) -> int:
    """Steps in the journal, those of a line that is being written too."""
    segments = (room / "lab" / ".ledger" / "journal").glob("*.log")
    return sum(path.read_bytes().count(b'"kind":"step.taken"') for path in segments)


def _runs(room: Path) -> list[str]:
    folder = open_folder(room / "lab" / ".ledger")
    return [name for (name,) in ask(folder, "select run from runs order by position")]


def _losses(room: Path, run: str) -> dict[int, float]:
    """Loss and norm of each step of a run; of one that was taken twice, all must be equal."""
    where = f"stream = 'run/{run}' and kind = 'step.taken'"
    sql = f"select entry from events where {where} order by position"
    found: dict[int, float] = {}
    for (entry,) in ask(open_folder(room / "lab" / ".ledger"), sql):
        body = json.loads(entry)["body"]
        values = (body["metrics"]["loss"], body["metrics"]["grad_norm"])
        assert found.setdefault(body["step"], values) == values, f"step {body['step']} of {run}"
    return found
