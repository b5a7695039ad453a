"""Judging looks at the runs behind the evidence first: a degenerate run carries no verdict."""

import json

import pytest
from labs import criterion
from ledgers import EXECUTOR, HUMAN, measurement, new_ledger, run_body

from ledger.commands.judge import judge
from ledger.events.run import RunFinished, RunStarted, StepTaken
from ledger.recorder import Draft


@pytest.fixture
def ledger(tmp_path):
    """A ledger with one criterion on the final loss."""
    with new_ledger(tmp_path / "lab") as ledger:
        ledger.record("criterion.declared", criterion("LOSS"))
        yield ledger


def trained(ledger, name, losses, value, **start):
    """A finished training run with these losses, and one number measured at its end."""
    begin = Draft(event=RunStarted(**(run_body(name) | start)))
    steps = [
        Draft(event=StepTaken(run=name, step=n, provenance="measured", metrics={"loss": loss}))
        for n, loss in enumerate(losses)
    ]
    end = Draft(event=RunFinished(run=name, wall_ms=1.0, entries=2))
    ledger.append([begin, *steps, measurement(name, value), end], actor=EXECUTOR)


def falling(start):
    """A hundred losses as a training run would have them."""
    return [start / (1 + n / 20) + (n * 37 % 11) / 1000 for n in range(100)]


def marks(ledger):
    """(run, mark, monitor) of every mark on record."""
    rows = ledger.query("events", kind="run.marked").objects()
    bodies = [
        json.loads(row["body"]) if isinstance(row["body"], str) else row["body"] for row in rows
    ]
    return [(body["run"], body["mark"], body["monitor"]) for body in bodies]


def status_of(ledger):
    """What judging says of LOSS, and why."""
    (found,) = judge(ledger, ["LOSS"], actor=HUMAN)
    return found.status, found.note


def test_a_sound_run_is_not_marked(ledger):
    """A run whose loss falls carries its verdict, and nothing is said of it."""
    trained(ledger, "train-0001", falling(6.0), 2.5)
    assert status_of(ledger) == ("DISCHARGED", "")
    assert marks(ledger) == []


def test_a_constant_loss(ledger):
    """A loss that never moves: the run is marked, and its number carries nothing."""
    trained(ledger, "train-0001", [1.0] * 100, 1.0)
    status, note = status_of(ledger)
    assert status == "unknown"
    assert "run train-0001 was marked INVALID" in note
    ((run, mark, monitor),) = marks(ledger)
    assert (run, mark, monitor) == ("train-0001", "INVALID", "constant-loss")


def test_another_device(ledger):
    """A run that asked for one device and computed on another carries nothing."""
    trained(ledger, "t-1", falling(6.0), 2.5, device_asked="cuda", device_observed="cpu")
    assert status_of(ledger)[0] == "unknown"
    assert [monitor for _, _, monitor in marks(ledger)] == ["device"]


def test_the_evidence_before_counts(ledger):
    """Where the newest run is degenerate, the number of the sound one before it decides."""
    trained(ledger, "train-0001", falling(6.0), 2.5)
    trained(ledger, "train-0002", [0.5] * 100, 0.5)
    (found,) = judge(ledger, ["LOSS"], actor=HUMAN)
    assert (found.status, found.value) == ("DISCHARGED", 2.5)


def test_marked_once(ledger):
    """Judging again marks nothing again; a run that a person calls sound stays so."""
    trained(ledger, "train-0001", [1.0] * 100, 1.0)
    judge(ledger, [], actor=HUMAN)
    judge(ledger, [], actor=HUMAN)
    assert len(marks(ledger)) == 1
    fields = {"run": "train-0001", "mark": "SOUND", "why": "the loss is clipped on purpose"}
    ledger.record("run.marked", fields | {"positions": [], "numbers": {}}, actor=HUMAN)
    assert status_of(ledger)[0] == "DISCHARGED"
    assert len(marks(ledger)) == 2
