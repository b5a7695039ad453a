"""No monitor marks a sound run, and each marks every run with its fault planted."""

import math

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_views import BATCH, LENGTH, changed, draws, sound_run, with_epochs, with_steps

from ledger.monitors import MONITORS, marks_of
from ledger.monitors.base import Result, StateHash, Twin
from ledger.monitors.generated_metric import looks_generated

SEEDS = st.integers(0, 10**9)


@settings(max_examples=300, derandomize=True)  # noise looks generated once in a thousand runs
@given(SEEDS)
def test_sound_runs_have_no_marks(seed):
    """Rounded losses, schedules, warm-up, dropout, repeats of a run: none of them is a fault."""
    assert marks_of(sound_run(seed)) == ()


def settings_of(view, **more):
    """The run with other settings."""
    return attrs.evolve(view, settings={**view.settings, **more})


def exhausted(seed):
    """Three epochs, of which the corpus is one and a half."""
    view = with_epochs(seed, 3)
    tokens = 75 * BATCH * LENGTH
    return settings_of(view, corpus_tokens=tokens, wrap=draws(seed).choice([None, False]))


def constant(seed):
    """A loss that stands still for the last half of 600 steps, or for 8 of 12 epochs."""
    view = with_steps(seed, 600)
    return changed(view, "train_loss", range(300, 600), view.steps[299].metrics["train_loss"])


def sentinel(seed):
    """A loss of exactly 1.0 from the middle on."""
    return changed(with_steps(seed, 100), "train_loss", range(50, 100), 1.0)


def twin(seed):
    """The losses of a run with another seed."""
    other = Twin(position=5, run="b", losses=4, distinct_losses=4, differs=("seed",))
    return attrs.evolve(sound_run(seed), twins=(other,))


def not_finite(seed):
    """One loss that is no number."""
    bad = draws(seed).choice([math.nan, math.inf, -math.inf])
    return changed(with_steps(seed, 20), "train_loss", range(7, 8), bad)


def above_ceiling(seed):
    """A first held-out loss above 2 ln V."""
    view = with_epochs(seed, 2)
    bad = 2.0 * math.log(view.settings["vocabulary"]) + 0.01
    first = attrs.evolve(view.epochs[0], val_loss=bad)
    return attrs.evolve(view, epochs=(first, *view.epochs[1:]))


def quick(seed):
    """Epochs that take a thousandth of the time, as if there were no data."""
    view = with_epochs(seed, 6)
    late = [attrs.evolve(e, wall_seconds=e.wall_seconds / 1000) for e in view.epochs[3:]]
    return attrs.evolve(view, epochs=(*view.epochs[:3], *late))


def generated(seed):
    """A utilisation of 50 plus or minus 5, evenly spread and with a spacing that never fails."""
    view = with_steps(seed, 200)
    rng = draws(seed)
    values = [45 + 10 * (i + 0.5) / 200 for i in range(200)]
    while True:  # a shuffle that remembers would be another metric
        rng.shuffle(values)
        if looks_generated(values) is not None:
            break
    steps = [
        attrs.evolve(step, metrics={"lr": 1e-4, "gpu_util_pct": value})
        for step, value in zip(view.steps, values, strict=True)
    ]
    return attrs.evolve(view, steps=tuple(steps))


def held_out_again(seed):
    """One token that is in a training window and in a held-out one."""
    windows = {"train_windows": [[0, 101], [300, 400]], "held_out_windows": [[100, 200]]}
    return settings_of(sound_run(seed), **windows)


def thin(seed):
    """Stopped by patience on two batches."""
    view = with_epochs(seed, 6)
    losses = (3.0, 2.9, 2.95, 2.96, 2.97, 2.98)
    epochs = [attrs.evolve(e, val_loss=v) for e, v in zip(view.epochs, losses, strict=True)]
    more = {"held_out_batches": 2, "patience": 2, "steps_asked": 5000}
    return settings_of(attrs.evolve(view, epochs=tuple(epochs)), **more)


def same_state(seed):
    """The digest of a state that stands beside another loss elsewhere."""
    view = with_epochs(seed, 3)
    last = view.epochs[-1]
    other = StateHash(
        position=7777,
        digest=last.optimizer_state_sha,
        run="other",
        epoch=2,
        losses=(last.train_loss + 0.5, last.val_loss),
    )
    return attrs.evolve(view, state_hashes=(*view.state_hashes, other))


def other_device(seed):
    """CUDA was asked for, the processor computed."""
    return attrs.evolve(sound_run(seed), device_asked="cuda", device_observed="cpu")


def made_up(seed):
    """A run that says it is synthetic, as a whole or of one result."""
    result = Result(position=8, name="val_loss", value=1.0, provenance="synthetic")
    view = sound_run(seed)
    return draws(seed).choice(
        [
            attrs.evolve(view, provenance="synthetic"),
            attrs.evolve(view, results=(result,)),
            settings_of(view, synthetic=True),
        ]
    )


def nothing_to_learn(seed):
    """A corpus of two different tokens."""
    return settings_of(sound_run(seed), corpus_distinct_tokens=2)


def wrong_count(seed):
    """Twice the steps that were asked for, or half without a reason."""
    return settings_of(with_steps(seed, 100), steps_asked=draws(seed).choice([50, 200]))


PLANTED = {
    "exhausted-data": exhausted,
    "constant-loss": constant,
    "sentinel": sentinel,
    "repeated-losses": twin,
    "not-finite": not_finite,
    "ceiling": above_ceiling,
    "wall-time": quick,
    "generated-metric": generated,
    "held-out-read-again": held_out_again,
    "thin-held-out": thin,
    "state-hash": same_state,
    "device": other_device,
    "synthetic": made_up,
    "degenerate-corpus": nothing_to_learn,
    "step-count": wrong_count,
}


def test_every_monitor_has_a_fault_to_find():
    """The table names each monitor of the list."""
    assert sorted(PLANTED) == sorted(monitor.name for monitor in MONITORS)


@pytest.mark.parametrize("name", sorted(PLANTED))
@settings(max_examples=25)
@given(seed=SEEDS)
def test_planted_faults_are_found(name, seed):
    """The monitor of the fault fires, names entries, and no mark is graver than it promised."""
    view = PLANTED[name](seed)
    (monitor,) = [one for one in MONITORS if one.name == name]
    marks = list(monitor.check(view))
    assert marks
    for mark in marks:
        assert mark.monitor == name
        assert mark.events
        assert mark.numbers
        assert mark.mark == monitor.mark or monitor.mark == "INVALID"


def test_how_often_noise_looks_generated():
    """Of 1,000 normal samples at most one, of 1,000 uniform ones at least 850."""
    rng = draws(20)
    shapes = {
        "normal": lambda: rng.gauss(50, 3),
        "uniform": lambda: rng.uniform(45, 55),
        "skewed": lambda: 50 * rng.lognormvariate(0, 0.05),
    }
    found = {
        name: sum(looks_generated([draw() for _ in range(100)]) is not None for _ in range(1000))
        for name, draw in shapes.items()
    }
    assert found["normal"] <= 1
    assert found["skewed"] <= 1
    assert found["uniform"] >= 850
