"""Runs as they come out of the store: own and reported ones, resumed, long, and named alone."""

import math

import pytest
from histories import line, to_bytes
from ledgers import EXECUTOR, HUMAN, measurement, new_ledger, run_body, run_failed

from ledger.events.run import RunFinished, RunStarted, StepTaken
from ledger.importers import find_importer, read_drafts, take_in
from ledger.monitors import marks_of, runs
from ledger.monitors.runs import read_runs
from ledger.recorder import Draft
from ledger.store.reader import open_reader


@pytest.fixture
def ledger(tmp_path):
    """A new ledger."""
    with new_ledger(tmp_path / "lab") as made:
        yield made


def started(run, **changes):
    """The start of a run."""
    return Draft(event=RunStarted(**{**run_body(run), **changes}))


def step(run, number, **metrics):
    """A step with these metrics."""
    return Draft(event=StepTaken(run=run, step=number, provenance="measured", metrics=metrics))


def finished(run):
    """The good end of a run."""
    return Draft(event=RunFinished(run=run, wall_ms=1, entries=1))


def views(ledger, of=None, **more):
    """Runs by name."""
    with open_reader(ledger.folder) as db:
        return {view.run: view for view in read_runs(db, of, **more)}


def marks(ledger, run):
    """Names of the monitors that mark a run, with the mark."""
    return {mark.monitor: mark.mark for mark in marks_of(views(ledger, run)[run])}


def test_an_own_run_has_all_it_recorded(ledger):
    """Settings under neutral names, devices, steps in order, results with their provenance."""
    about = {"arguments": {"num": 1, "seq_len": 64, "vocab_size": 256, "steps": 2}, "seed": 7}
    drafts = [
        started("train-0001", device_asked="cuda", device_observed="cpu", **about),
        step("train-0001", 1, loss=2.5),
        step("train-0001", 0, loss="NaN", lr=0.1),
        measurement("train-0001", 1.5, provenance="synthetic"),
        finished("train-0001"),
    ]
    ledger.append(drafts, actor=EXECUTOR)
    view = views(ledger)["train-0001"]
    assert (view.position, view.reported, view.ended, view.failed) == (1, False, True, False)
    assert (view.device_asked, view.device_observed) == ("cuda", "cpu")
    assert view.settings["sequence_length"] == 64
    assert view.settings["vocabulary"] == 256
    assert view.settings["steps_asked"] == 2
    assert view.settings["num"] == 1
    assert [(s.position, s.step) for s in view.steps] == [(3, 0), (2, 1)]
    assert math.isnan(view.steps[0].metrics["loss"])
    assert [(r.name, r.value, r.provenance) for r in view.results] == [
        ("loss_final", 1.5, "synthetic")
    ]
    assert marks(ledger, "train-0001") == {
        "not-finite": "INVALID",
        "device": "INVALID",
        "synthetic": "INVALID",
    }


def test_a_step_taken_again_counts_once(ledger):
    """After a resume the later one stands; the number of steps is that of different ones."""
    drafts = [
        started("train-0001"),
        step("train-0001", 0, loss=9.0),
        step("train-0001", 1, loss=8.0),
    ]
    ledger.append([*drafts, step("train-0001", 1, loss=7.0)], actor=EXECUTOR)
    view = views(ledger)["train-0001"]
    assert view.steps_recorded == 2
    assert view.series("loss") == [(2, 9.0), (4, 7.0)]
    assert not view.ended


def test_a_run_that_goes_on_or_failed_may_have_fewer_steps(ledger):
    """Three of ten steps are a fault only once the run is said to have finished."""
    for number, end in enumerate([[], [run_failed("train-0002")], [finished("train-0003")]], 1):
        run = f"train-000{number}"
        asked = {"arguments": {"steps": 10}}
        drafts = [started(run, **asked), *(step(run, n, loss=9.0 - n) for n in range(3)), *end]
        ledger.append(drafts, actor=EXECUTOR)
    assert [marks(ledger, f"train-000{n}") for n in (1, 2, 3)] == [
        {},
        {},
        {"step-count": "SUSPECT"},
    ]


def test_a_long_run_is_read_at_both_ends(ledger, monkeypatch):
    """Of more steps than fit, the first and the last; the count is of all."""
    monkeypatch.setattr(runs, "STEPS_READ", 5)
    drafts = [started("train-0001"), *(step("train-0001", n, loss=9.0 - n) for n in range(20))]
    ledger.append(drafts, actor=EXECUTOR)
    view = views(ledger)["train-0001"]
    assert [s.step for s in view.steps] == [0, 1, 2, 18, 19]
    assert view.steps_recorded == 20


def test_equal_losses_are_a_fault_where_the_settings_differ(ledger):
    """Four equal losses: of one seed a repeated run, of two seeds scripted ones."""
    for run, seed in (("train-0001", 1), ("train-0002", 1), ("train-0003", 2)):
        losses = [step(run, n, loss=11.0 - 0.3 * n) for n in range(4)]
        ledger.append([started(run, seed=seed), *losses], actor=EXECUTOR)
    assert marks(ledger, "train-0003") == {"repeated-losses": "SUSPECT"}
    twins = {twin.run: twin.differs for twin in views(ledger)["train-0001"].twins}
    assert twins == {"train-0002": (), "train-0003": ("seed",)}


def test_a_reported_run_beside_an_own_one_of_its_name(ledger):
    """Each has its own settings and steps, and either can be asked for alone."""
    ledger.append([started("same"), step("same", 0, loss=1.5)], actor=EXECUTOR)
    lines = [
        line("run_started", {"device": "cuda", "steps": 3, "wrap_around": True}, id="same"),
        line("step", {"run": "same", "step": 0, "train_loss": 2.5}, id="same/0"),
        line("epoch", {"run": "same", "epoch": 0, "val_loss": 2.0}, id="same/e0"),
        line("run_completed", {"status": "FINE", "best": 2.0, "steps": 3}, id="same"),
    ]
    ledger.actor = HUMAN
    take_in(ledger, read_drafts(find_importer("ship-two"), to_bytes(*lines)))
    with open_reader(ledger.folder) as db:
        own, reported = read_runs(db, "same")
        assert [view.run for view in read_runs(db, reported=True)] == ["same"]
    assert own.series("loss") == [(2, 1.5)]
    assert own.epochs == ()
    assert reported.series("train_loss") == [(4, 2.5)]
    assert [epoch.val_loss for epoch in reported.epochs] == [2.0]
    assert reported.settings == {"steps_done": 3, "wrap": True, "device": "cuda"}
    assert {(r.name, r.value) for r in reported.results} == {("best_loss", 2.0), ("steps", 3.0)}
    assert reported.provenance == "asserted"


def test_how_others_say_a_run_ended_is_not_read(ledger):
    """The status of an outcome changes no view."""
    seen = []
    for number, status in enumerate(["INVALID", "GREAT"]):
        run = f"r{number}"
        lines = [line("run_started", {}, id=run), line("run_completed", {"status": status}, id=run)]
        ledger.actor = HUMAN
        take_in(ledger, read_drafts(find_importer("ship-two"), to_bytes(*lines)))
        view = views(ledger, run)[run]
        seen.append((view.ended, view.failed, view.settings, view.results, marks_of(view)))
    assert seen[0] == seen[1] == (True, False, {}, (), ())


def test_the_laboratory_has_sound_runs(lab):
    """Traces and trainings of this program get no mark."""
    with open_reader(lab) as db:
        found = {view.run: marks_of(view) for view in read_runs(db, reported=False)}
    assert len(found) == 10
    assert set(found.values()) == {()}
