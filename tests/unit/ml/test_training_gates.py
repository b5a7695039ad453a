"""What ends a run: each gate with a history that closes it, and one that does not."""

import math

import numpy as np
import pytest
from attrs import evolve

from ml.training.evaluation import Evaluation, best_of, half_width, is_below
from ml.training.gates import GATES, History, Limits, closed
from ml.training.trainer import StepResult

UNIFORM = math.log(256)
NOISE = np.array([0.3, -0.1, 0.2, -0.4, 0.1, -0.2, 0.15, -0.05])


def step(number, loss=2.0, grad_norm=1.0):
    """What a step measured."""
    return StepResult(step=number, loss=loss, grad_norm=grad_norm, lr=1e-3)


def looks(*means, noise=NOISE):
    """Evaluations of eight windows with these means, every 10 steps."""
    return [Evaluation(step=10 * n, losses=mean + noise) for n, mean in enumerate(means)]


def history(**changes):
    """A sound run so far: nothing closes."""
    given = {
        "limits": Limits(uniform=UNIFORM),
        "steps": [step(n) for n in range(20)],
        "seconds": [9.0] + [0.5] * 19,
        "step_tokens": 100,
        "evaluations": looks(5.5, 4.0, 3.0),
    }
    return History(**(given | changes))


def gate_of(**changes):
    """The name of the gate that closes, or None."""
    found = closed(history(**changes))
    return found[0].name if found else None


def limited(**limits):
    """Limits with some of them set."""
    return Limits(uniform=UNIFORM, **limits)


def test_a_sound_run_goes_on():
    """No gate closes, with or without limits that it keeps."""
    assert gate_of() is None
    kept = limited(patience=2, target=1.0, least_tokens_per_second=100, most_tokens_per_second=900)
    assert gate_of(limits=kept) is None
    assert gate_of(steps=[], seconds=[], evaluations=looks(5.5)) is None


@pytest.mark.parametrize("name", ["loss", "grad_norm"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite(name, value):
    """The loss or norm of any step that was read with the last; the reason names the first."""
    wrong = step(20, **{name: value})
    for after in ([], [step(21), step(22)]):
        gate, reason = closed(history(steps=[step(19), wrong, *after]))
        assert (gate.name, gate.is_failure) == ("not finite", True)
        assert "step 20" in reason


def test_the_ceiling_of_the_first_look():
    """Twice the loss of knowing nothing is too much; what is not a number as well; once."""
    assert gate_of(evaluations=looks(2.01 * UNIFORM)) == "ceiling"
    assert gate_of(evaluations=looks(math.nan)) == "ceiling"
    assert gate_of(evaluations=looks(1.99 * UNIFORM)) is None
    assert gate_of(evaluations=looks(2.01 * UNIFORM, 2.01 * UNIFORM)) is None


def test_divergence():
    """A held-out loss over twice the one before."""
    assert gate_of(evaluations=looks(3.0, 6.01)) == "divergence"
    assert gate_of(evaluations=looks(3.0, math.nan)) == "divergence"
    assert gate_of(evaluations=looks(3.0, 5.99)) is None


def test_throughput_is_a_median_behind_the_first_step():
    """The first step makes the kernels and does not count; ten others must be there."""
    assert gate_of(limits=limited(least_tokens_per_second=201)) == "throughput"
    assert gate_of(limits=limited(most_tokens_per_second=199)) == "throughput"
    assert gate_of(limits=limited(least_tokens_per_second=199)) is None
    few = {"steps": [step(n) for n in range(10)], "seconds": [0.5] * 10}
    assert gate_of(limits=limited(least_tokens_per_second=201), **few) is None
    slow_once = [9.0] + [0.5] * 10 + [50.0] + [0.5] * 5
    assert gate_of(limits=limited(least_tokens_per_second=199), seconds=slow_once) is None


def test_the_target_needs_the_whole_interval():
    """A mean below it is not enough."""
    width = half_width(3.0 + NOISE)
    assert gate_of(limits=limited(target=3.0 + width + 1e-6)) == "target"
    assert gate_of(limits=limited(target=3.0)) is None
    assert not next(gate for gate in GATES if gate.name == "target").is_failure


def test_patience_waits_for_a_fall_beyond_chance():
    """A mean that falls a little, window by window at random, is no fall."""
    rest = [
        Evaluation(step=10 * n, losses=4.0 + NOISE[::s] * n) for n, s in ((1, 1), (2, -1), (3, 1))
    ]
    flat = [*looks(4.0), *rest]
    assert gate_of(limits=limited(patience=2), evaluations=flat) == "patience"
    assert gate_of(limits=limited(patience=3), evaluations=flat) is None
    falling = looks(4.0, 3.99, 3.98, 3.97)
    assert gate_of(limits=limited(patience=2), evaluations=falling) is None


def test_a_fall_is_asked_window_by_window():
    """The windows are the same ones: what they differ by among each other is no noise."""
    before, after = looks(4.0, 3.98)
    assert before.half_width > 0.1
    assert is_below(after, before)
    assert not is_below(before, after)
    assert not is_below(before, before)
    single = [evolve(one, losses=one.losses[:1]) for one in (before, after)]
    assert is_below(single[1], single[0])
    assert single[0].half_width == math.inf


def test_the_best_is_the_last_that_fell():
    """What came after it without falling does not count."""
    assert best_of(looks(4.0, 3.0, 3.5, 2.0, 2.5)) == 3
    assert best_of(looks(4.0)) == 0


def test_the_interval_by_hand():
    """1.96 standard errors around the mean."""
    found = looks(3.0)[0]
    error = math.sqrt(sum((x - NOISE.mean()) ** 2 for x in NOISE) / 7 / 8)
    low, high = found.interval
    assert (high - low) / 2 == pytest.approx(1.959964 * error, rel=1e-6)
    assert (low + high) / 2 == pytest.approx(3.0 + NOISE.mean())


def test_the_first_gate_that_closes_counts():
    """A run that diverged on numbers that are not finite says the latter."""
    assert gate_of(steps=[step(0, math.nan)], evaluations=looks(3.0, 7.0)) == "not finite"
