"""Training in numbers: PyTorch, float64, every weight, the same bytes twice."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import torch_training
from attrs import evolve

from ml import devices
from ml.training.gates import Limits
from ml.training.loop import Ended, Plan, Took, train
from ml.training.trainer import PARTS, Trainer, first_state

pytestmark = pytest.mark.slow
VECTORS = Path(__file__).parents[1] / "data" / "training" / "torch_tiny.npz"
SETTINGS = torch_training.SETTINGS
#: The committed numbers, and PyTorch itself where it is installed.
SOURCES = ("committed", *(["live"] if importlib.util.find_spec("torch") else []))


def trainer_of(settings):
    """A model before its first step, on the processor."""
    return Trainer(settings, devices.resolve("cpu"), first_state(settings))


@pytest.fixture(scope="module")
def trained():
    """Results of the twenty steps, the state after the first, and the state after the last."""
    trainer = trainer_of(SETTINGS)
    results = [trainer.take_step([torch_training.batch_of(0)])]
    first = trainer.state()
    for step in range(1, torch_training.STEPS):
        results.append(trainer.take_step([torch_training.batch_of(step)]))
    return results, first, trainer.state()


@pytest.fixture(scope="module", params=SOURCES)
def torch_numbers(request):
    """PyTorch's losses, norms, first gradients and last weights."""
    if request.param == "live":
        return torch_training.train()
    with np.load(VECTORS) as found:
        return dict(found)


def gradients_of(result, state):
    """The gradients of the first step: the first moment is a tenth of them, after clipping."""
    scale = min(1.0, SETTINGS.clip / (result.grad_norm + 1e-6)) * (1 - SETTINGS.beta1)
    return {name: first.astype(np.float64) / scale for name, first in state.parts["first"].items()}


def apart(found, wanted):
    """Relative L2 distance."""
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def test_losses_and_norms_are_pytorchs(trained, torch_numbers):
    """Twenty steps from the same weights: losses within 5e-6, and norms as closely."""
    results, _, _ = trained
    losses = np.array([result.loss for result in results])
    assert np.abs(losses - torch_numbers["losses"]).max() <= 5e-6
    norms = np.array([result.grad_norm for result in results])
    np.testing.assert_allclose(norms, torch_numbers["norms"], rtol=1e-5)
    assert losses[-1] < losses[0] - 0.3


def test_first_gradients_are_pytorchs(trained, torch_numbers):
    """Every tensor within 1e-5."""
    results, first, _ = trained
    for name, gradient in gradients_of(results[0], first).items():
        assert apart(gradient, torch_numbers[f"gradient/{name}"]) <= 1e-5, name


def test_last_weights_are_pytorchs(trained, torch_numbers):
    """Every tensor within 1e-5."""
    _, _, last = trained
    for name, weight in last.parts["weights"].items():
        assert apart(weight, torch_numbers[f"weight/{name}"]) <= 1e-5, name


def test_everything_moves(trained):
    """Each weight and each moment in each of the twenty steps' directions: nothing is a copy."""
    _, first, last = trained
    start = first_state(SETTINGS)
    for name in start.parts["weights"]:
        for before, after in ((start, first), (first, last)):
            for part in PARTS:
                a, b = before.parts[part][name], after.parts[part][name]
                assert (a != b).mean() > 0.5, f"{part} of {name}"
    assert all((second >= 0).all() for second in last.parts["second"].values())


def test_same_seed_same_bytes(trained):
    """A second model takes the same steps to the same state; another seed to another."""
    trainer = trainer_of(SETTINGS)
    for step in range(torch_training.STEPS):
        trainer.take_step([torch_training.batch_of(step)])
    assert trainer.state().digest() == trained[2].digest()
    other = trainer_of(evolve(SETTINGS, seed=SETTINGS.seed + 1))
    other.take_step([torch_training.batch_of(0)])
    assert other.state().digest() != trained[1].digest()


def test_going_on_from_a_state_is_the_same(trained):
    """From the state after the first step, in another model, to the same bytes."""
    trainer = Trainer(SETTINGS, devices.resolve("cpu"), trained[1])
    for step in range(1, torch_training.STEPS):
        trainer.take_step([torch_training.batch_of(step)])
    assert trainer.state().digest() == trained[2].digest()


def test_an_evaluation_changes_nothing(trained):
    """Its mean is the loss of the step that follows on the same windows."""
    trainer = Trainer(SETTINGS, devices.resolve("cpu"), trained[1])
    before = trainer.state().digest()
    batch = torch_training.batch_of(1)
    losses = trainer.evaluate(batch)
    assert losses.shape == (SETTINGS.batch,)
    assert trainer.state().digest() == before
    assert trainer.take_step([batch]).loss == pytest.approx(losses.mean(), abs=2e-6)


def test_accumulated_batches_are_one_large_one(trained):
    """Two passes of two windows take the step that one pass of four takes, within 1e-6."""
    results, first, _ = trained
    halves = trainer_of(evolve(SETTINGS, batch=2, accumulate=2))
    whole = torch_training.batch_of(0)
    result = halves.take_step([whole[:2], whole[2:]])
    assert result.loss == pytest.approx(results[0].loss, abs=1e-6)
    assert result.grad_norm == pytest.approx(results[0].grad_norm, rel=2e-6)
    found = gradients_of(result, halves.state())
    for name, gradient in gradients_of(results[0], first).items():
        assert apart(found[name], gradient) < 2e-6, name


def loss_in_float64(weights, ids):
    """The mean loss, written down with numpy alone, an attention head after the other."""
    preset = SETTINGS.preset
    w = {name: array.astype(np.float64) for name, array in weights.items()}
    tokens = ids.shape[1] - 1
    half = preset.head_dim // 2
    angles = np.outer(np.arange(tokens), preset.rope_theta ** (-np.arange(half) / half))
    turn = np.exp(1j * angles)
    hidden_from = np.triu(np.full((tokens, tokens), -np.inf), 1)

    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + preset.epsilon) * w[name]

    def rotate(x):
        turned = (x[:, :half] + 1j * x[:, half:]) * turn
        return np.concatenate((turned.real, turned.imag), -1)

    total = 0.0
    for window in ids:
        x = w["token_embd.weight"][window[:-1]]
        for n in range(preset.layers):
            at = f"blk.{n}."
            h = norm(x, at + "attn_norm.weight")
            q, k, v = (h @ w[f"{at}attn_{name}.weight"].T for name in "qkv")
            mixed = []
            for head in range(preset.heads):
                mine = slice(head * preset.head_dim, (head + 1) * preset.head_dim)
                shared = head // (preset.heads // preset.kv_heads)
                theirs = slice(shared * preset.head_dim, (shared + 1) * preset.head_dim)
                scores = rotate(q[:, mine]) @ rotate(k[:, theirs]).T / np.sqrt(preset.head_dim)
                shares = np.exp(scores + hidden_from)
                mixed.append(shares / shares.sum(-1, keepdims=True) @ v[:, theirs])
            x = x + np.concatenate(mixed, -1) @ w[at + "attn_output.weight"].T
            h = norm(x, at + "ffn_norm.weight")
            gate, up = (h @ w[f"{at}ffn_{name}.weight"].T for name in ("gate", "up"))
            x = x + (gate / (1 + np.exp(-gate)) * up) @ w[at + "ffn_down.weight"].T
        logits = norm(x, "output_norm.weight") @ w["token_embd.weight"].T
        normaliser = np.log(np.exp(logits).sum(-1))
        total += (normaliser - logits[np.arange(tokens), window[1:]]).mean()
    return total / len(ids)


def test_gradients_are_slopes_in_float64(trained):
    """Each tensor's gradient along its own direction is the slope of the loss in float64."""
    results, first, _ = trained
    start, ids = first_state(SETTINGS).parts["weights"], torch_training.batch_of(0)
    assert loss_in_float64(start, ids) == pytest.approx(results[0].loss, abs=1e-6)
    for name, gradient in gradients_of(results[0], first).items():
        size = np.linalg.norm(gradient)
        step = 1e-4 * gradient / size
        wide = {n: a.astype(np.float64) for n, a in start.items()}
        up, down = (
            loss_in_float64({**wide, name: wide[name] + sign * step}, ids) for sign in (1, -1)
        )
        assert (up - down) / 2e-4 == pytest.approx(size, rel=2e-5), name


def test_half_precision_products_go_the_same_way(trained):
    """bf16 products over float32 weights: losses within a hundredth, and weights stay float32."""
    results, _, _ = trained
    trainer = trainer_of(evolve(SETTINGS, compute="bfloat16"))
    for step in range(4):
        result = trainer.take_step([torch_training.batch_of(step)])
        assert result.loss == pytest.approx(results[step].loss, abs=0.01)
        assert result.loss != results[step].loss
    assert all(array.dtype == np.float32 for array in trainer.state().parts["weights"].values())


def test_steps_that_are_read_together(trained):
    """On a card up to sixteen steps wait to be read; here three do, and nothing else changes."""
    results, _, last = trained
    trainer = Trainer(SETTINGS, devices.resolve("cpu"), first_state(SETTINGS), ring=3)
    read = []
    for step in range(torch_training.STEPS):
        trainer.enqueue([torch_training.batch_of(step)])
        if trainer.waiting == trainer.ring:
            read += trainer.read()
    read += trainer.read()
    assert read == results
    assert trainer.read() == []
    assert trainer.state().digest() == last.digest()


def test_a_ring_is_read_before_what_is_done_between_steps(tmp_path):
    """Evaluations and checkpoints see every step before them; each step is told once, in order."""
    settings = evolve(SETTINGS, steps=12)
    trainer = Trainer(settings, devices.resolve("cpu"), first_state(settings), ring=4)
    plan = Plan(
        limits=Limits(uniform=math.log(settings.vocabulary)),
        folder=tmp_path,
        evaluate_every=5,
        checkpoint_every=6,
        held_out=[torch_training.batch_of(100)],
    )
    told = list(train(trainer, torch_training.batch_of, plan))
    taken = [one for one in told if isinstance(one, Took)]
    assert [one.result.step for one in taken] == list(range(12))
    assert [one.together for one in taken] == [4] * 4 + [1, 1] + [4] * 4 + [2, 2]
    kinds = [type(one).__name__ for one in told if not isinstance(one, Took)]
    assert kinds == ["Evaluated", "Evaluated", "Saved", "Evaluated", "Evaluated", "Saved", "Ended"]
    assert told[-1] == Ended(reason="12 steps taken", gate=None, is_failure=False)
