"""What each monitor makes of values chosen by hand, at both sides of its thresholds."""

import math

import pytest
from run_views import draws

from ledger.monitors import RunView, marks_of
from ledger.monitors.base import Epoch, Step


def epochs(**columns):
    """Epochs from one list a column."""
    count = len(next(iter(columns.values())))
    return tuple(
        Epoch(position=100 + i, epoch=i, **{name: values[i] for name, values in columns.items()})
        for i in range(count)
    )


def steps(**metrics):
    """Steps from one list a metric."""
    count = len(next(iter(metrics.values())))
    return tuple(
        Step(position=10 + i, step=i, metrics={name: values[i] for name, values in metrics.items()})
        for i in range(count)
    )


def names(**fields):
    """Monitor and mark of a run with these fields."""
    fields.setdefault("steps_recorded", len(fields.get("steps", ())))
    view = RunView(run="r", position=1, **fields)
    return {mark.monitor: mark.mark for mark in marks_of(view)}


FALLING = [11.0 - 0.1 * i - 0.001 * (i % 3) - 1e-5 * i for i in range(60)]


@pytest.mark.parametrize(
    ("tail", "found"),
    [
        ([4.123456] * 4, {}),
        ([4.123456] * 5, {"constant-loss": "INVALID"}),
        ([1.0] * 4, {}),
        ([1.0] * 5, {"constant-loss": "INVALID", "sentinel": "INVALID"}),
    ],
)
def test_a_loss_that_stands_still(tail, found):
    """Five equal losses at the end are a fault, four are not yet."""
    assert names(steps=steps(train_loss=FALLING + tail)) == found


@pytest.mark.parametrize(("decimals", "sound", "faulty"), [(2, 199, 200), (3, 49, 50)])
def test_a_rounded_loss_may_rest(decimals, sound, faulty):
    """Values of few decimals repeat by nature; the fewer they have, the longer."""
    rounded = [round(value, decimals) for value in FALLING]
    found = [
        names(steps=steps(train_loss=[*rounded, *[5.07] * count])) for count in (sound, faulty)
    ]
    assert found == [{}, {"constant-loss": "INVALID"}]


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("train_loss", [5.0, 5.0], {}),
        ("train_loss", [5.0, 5.0, 5.0], {"constant-loss": "INVALID"}),  # never another value
        ("train_loss", [6.1, 5.0, 5.0, 5.0], {}),  # one decimal: it may have come to rest
        ("train_loss", [6.123, 5.0, 5.0, 5.0, 5.0], {"constant-loss": "INVALID"}),
        ("train_loss", [6.123456, 5.1, 5.1, 5.1], {"constant-loss": "INVALID"}),
        ("val_loss", [6.123456, 5.1, 5.1, 5.1], {"constant-loss": "SUSPECT"}),
        ("val_loss", [9.902, 9.902, 9.903], {}),
        ("val_loss", [4.71, 4.71, 4.71], {}),
    ],
)
def test_epochs_that_stand_still(column, values, found):
    """A training loss is INVALID, a held-out one SUSPECT; how many it takes depends on rounding."""
    assert names(epochs=epochs(**{column: values})) == found


def test_a_constant_rate_and_few_constant_values_are_no_fault():
    """A learning rate that stays, and a use of the card that stays for three steps."""
    found = names(steps=steps(train_loss=[9.1, 8.2, 7.3], lr=[1e-4] * 3, gpu_util_pct=[1.0] * 3))
    assert found == {}


@pytest.mark.parametrize(
    ("wall", "found"),
    [
        ([264, 260, 55], {}),
        ([264, 260, 55, 5.6], {}),
        ([264, 260, 55, 5.4], {"wall-time": "INVALID"}),
        ([9000, 9, 9, 9, 9], {}),  # the first compiles
    ],
)
def test_epochs_that_become_quick(wall, found):
    """A tenth of the quickest before is the limit."""
    assert names(epochs=epochs(wall_seconds=wall)) == found


def test_a_short_last_epoch_is_measured_by_its_tokens():
    """A hundredth of the time for a hundredth of the tokens is no fault."""
    times, tokens = [100.0, 100.0, 1.0], [1000, 2000, 2010]
    assert names(epochs=epochs(wall_seconds=times, tokens_seen=tokens)) == {}
    tokens = [1000, 2000, 3000]
    assert names(epochs=epochs(wall_seconds=times, tokens_seen=tokens)) == {"wall-time": "INVALID"}


def test_quick_steps():
    """Five steps in a row at a hundredth of the time are a fault; a single one is none."""
    usual = [100.0 + i % 7 for i in range(40)]
    assert names(steps=steps(wall_ms=[*usual, 1.0, *usual])) == {}
    assert names(steps=steps(wall_ms=[*usual, 1.1, 1.2, 1.3, 1.4, 1.5])) == {"wall-time": "INVALID"}


@pytest.mark.parametrize(
    ("losses", "found"),
    [
        ([21.6], {}),  # 2 ln 50257 = 21.65
        ([21.7], {"ceiling": "INVALID"}),
        ([10.9, 10.9, 10.8], {}),  # ln 50257 = 10.825
        ([10.9, 10.9, 10.9], {"ceiling": "SUSPECT"}),
    ],
)
def test_the_ceiling(losses, found):
    """Twice the cost of guessing after the first epoch, once the cost of it later."""
    assert names(epochs=epochs(val_loss=losses), settings={"vocabulary": 50257}) == found


def test_more_tokens_than_there_are():
    """2,000 tokens of 1,500: a fault, unless beginning again was meant or an epoch is a pass."""
    run = {"epochs": epochs(tokens_seen=[1000, 2000])}
    assert names(**run, settings={"corpus_tokens": 1500}) == {"exhausted-data": "SUSPECT"}
    assert names(**run, settings={"corpus_tokens": 1500, "wrap": False}) == {
        "exhausted-data": "INVALID"
    }
    assert names(**run, settings={"corpus_tokens": 1500, "wrap": True}) == {}
    assert names(**run, settings={"corpus_tokens": 2000}) == {}
    assert names(**run, settings={"corpus_tokens": 1000}) == {}


def test_tokens_are_counted_from_the_settings_where_no_epoch_says_them():
    """Five epochs of 1,000 steps of 16 sequences of 512 tokens are 40,960,000."""
    shape = {"steps_per_epoch": 1000, "batch": 16, "sequence_length": 512}
    run = {"epochs": epochs(train_loss=[10.1, 9.9, 9.8, 9.7, 9.6])}
    assert names(**run, settings={**shape, "corpus_tokens": 40_960_000}) == {}
    found = names(**run, settings={**shape, "corpus_tokens": 18_143_273})
    assert found == {"exhausted-data": "SUSPECT"}


def test_held_out_batches_of_a_corpus_begun_again():
    """The first batches are held out and then trained on; from a file of their own they are not."""
    run = {"epochs": epochs(tokens_seen=[1000, 2000])}
    again = {"corpus_tokens": 1500, "wrap": True, "held_out_batches": 16}
    assert names(**run, settings=again) == {"held-out-read-again": "INVALID"}
    assert names(**run, settings={**again, "held_out_apart": True}) == {}


def test_windows_say_more_than_curves():
    """Where windows are stated and apart, nothing else is asked."""
    sinking = epochs(train_loss=[9.56, 9.5, 9.47, 9.467], val_loss=[9.86, 9.64, 9.2, 8.911])
    assert names(epochs=sinking) == {"held-out-read-again": "SUSPECT"}
    apart = {"train_windows": [[0, 10], [20, 30]], "held_out_windows": [[10, 20]]}
    assert names(epochs=sinking, settings=apart) == {}
    assert names(settings={**apart, "held_out_windows": [[29, 35]]}) == {
        "held-out-read-again": "INVALID"
    }


def test_a_held_out_loss_below_the_training_loss_is_no_fault_by_itself():
    """With dropout, or while the loss falls quickly, it is so from the beginning."""
    dropout = epochs(train_loss=[5.0, 4.9, 4.89, 4.88], val_loss=[4.5, 4.4, 4.39, 4.38])
    falling = epochs(train_loss=[9.0, 7.0, 5.0], val_loss=[9.2, 6.0, 4.5])
    assert names(epochs=dropout) == {}
    assert names(epochs=falling) == {}


@pytest.mark.parametrize(
    ("asked", "observed", "found"),
    [
        ("cuda", "cuda:0", {}),
        ("cuda:0", "CUDA", {}),
        ("auto", "cpu", {}),
        (None, "cpu", {}),
        ("cuda", None, {}),
        ("cuda", "RTX 4090", {}),  # a card's name is no device of ours
        ("cuda", "cpu", {"device": "INVALID"}),
        ("cuda:1", "cuda:0", {"device": "INVALID"}),
        ("cpu", "cuda:0", {"device": "INVALID"}),
    ],
)
def test_devices(asked, observed, found):
    """Another device than asked for is a fault; `auto` may choose, `cuda` is `cuda:0`."""
    assert names(device_asked=asked, device_observed=observed) == found


def test_patience_explains_fewer_steps():
    """Three epochs without a better loss end a run of patience 2, not one of patience 3."""
    run = {"epochs": epochs(val_loss=[9.9, 9.7, 9.8, 9.8, 9.9])}
    asked = {"steps_per_epoch": 10, "steps_asked": 1000}
    assert names(**run, settings={**asked, "patience": 2}) == {}
    assert names(**run, settings={**asked, "patience": 3}) == {"step-count": "SUSPECT"}
    assert names(**run, settings={**asked, "patience": 2, "held_out_batches": 2}) == {
        "thin-held-out": "SUSPECT"
    }
    assert names(**run, settings={**asked, "patience": 2, "held_out_batches": 8}) == {}


def test_an_overflowing_gradient_norm_now_and_then_is_no_fault():
    """One of a hundred is the price of float16; ten of a hundred are suspect."""
    norms = [1.0 + 0.01 * (i % 13) for i in range(100)]
    norms[50] = math.inf
    assert names(steps=steps(grad_norm=norms)) == {}
    norms[60:70] = [math.inf] * 10
    assert names(steps=steps(grad_norm=norms)) == {"not-finite": "SUSPECT"}


def test_a_metric_that_follows_another_one_was_measured():
    """Flat values without memory look generated, unless another metric moves with them."""
    values = [45 + 10 * (i + 0.5) / 100 for i in range(100)]
    draws(3).shuffle(values)
    slower = [500 - value for value in values]
    assert names(steps=steps(gpu_util_pct=values)) == {"generated-metric": "SUSPECT"}
    assert names(steps=steps(gpu_util_pct=values, wall_ms=slower)) == {}
    assert names(steps=steps(gpu_util_pct=values[:99])) == {}
    assert names(steps=steps(gpu_util_pct=sorted(values))) == {}
    assert names(steps=steps(gpu_util_pct=[round(value) for value in values])) == {}
