"""Runs as monitors see them: sound ones of many shapes, and the same with one fault planted."""

import math
import random
from typing import Any

import attrs

from ledger.monitors.base import Epoch, Result, RunView, StateHash, Step, Twin

BATCH, LENGTH = 8, 128


def draws(seed: int) -> random.Random:
    """Random numbers that are the same for a seed."""
    return random.Random(seed)  # noqa: S311 - no secret


def sound_run(seed: int) -> RunView:
    """A run as a good machine leaves it; `seed` decides everything."""
    rng = draws(seed)
    vocabulary = rng.choice([256, 32_000, 50_257, 151_936])
    per_epoch = rng.choice([5, 50, 200])
    n_epochs = rng.choice([0, 0, 1, 2, 5, 12])
    n_steps = rng.choice([0, 1, 3, 20, 100, 130, 300, 600])
    settings = _settings(rng, vocabulary, per_epoch, n_epochs, n_steps)
    steps = _steps(rng, vocabulary, n_steps)
    epochs = _epochs(rng, vocabulary, per_epoch, n_epochs)
    device = rng.choice(["cpu", "cuda", "cuda:1", "auto"])
    observed = {"auto": "cuda:0", "cuda": "cuda:0"}.get(device, device)
    return RunView(
        run=f"run-{seed}",
        position=1,
        device_asked=device,
        device_observed=rng.choice([observed, "NVIDIA H200"]),
        settings=settings,
        steps=steps,
        steps_recorded=len(steps),
        epochs=epochs,
        results=(
            Result(position=2, name="val_loss", value=1.5, provenance="measured"),
            Result(position=3, name="tokens_per_sec", value=9e3, provenance="derived"),
        ),
        # The same run repeated: equal losses, equal states, nothing that differs.
        twins=(Twin(position=4, run="again", losses=64, distinct_losses=60, differs=()),),
        state_hashes=tuple(
            StateHash(
                position=9000 + e.position,
                digest=e.optimizer_state_sha or "",
                run="again",
                epoch=e.epoch,
                losses=(e.train_loss, e.val_loss),
            )
            for e in epochs
        ),
    )


def _settings(
    rng: random.Random, vocabulary: int, per_epoch: int, n_epochs: int, n_steps: int
) -> dict[str, Any]:
    done = n_steps or per_epoch * n_epochs
    read = max(done, per_epoch * n_epochs) * BATCH * LENGTH
    corpus: dict[str, Any] = rng.choice(
        [
            {},
            {"corpus_tokens": read + rng.randrange(10**6)},
            {"corpus_tokens": read // 2 + 1, "wrap": True},
            {"corpus_tokens": read // 2 + 1, "wrap": True, "held_out_batches": 16}
            | {"held_out_apart": True},
        ]
    )
    windows = [[0, 1000], [2000, 9000]]
    held_out = rng.choice([{}, {"train_windows": windows, "held_out_windows": [[1000, 2000]]}])
    asked = {} if not done else rng.choice([{}, {"steps_asked": done}])
    shape = {"vocabulary": vocabulary, "batch": BATCH, "sequence_length": LENGTH}
    text = rng.choice([{}, {"corpus_distinct_tokens": 200, "entropy_bits": 7.4}])
    return {**shape, "steps_per_epoch": per_epoch, **corpus, **held_out, **asked, **text}


def _loss(rng: random.Random, vocabulary: int, n: int) -> list[float]:
    """A loss that falls from ln V to a floor, with noise, sometimes rounded."""
    top = math.log(vocabulary) * rng.uniform(0.97, 1.03)
    floor, noise = top * rng.uniform(0.3, 0.7), rng.uniform(0.005, 0.1)
    pace = rng.uniform(2.0, 8.0) / max(n, 1)
    decimals = rng.choice([None, None, 2, 3, 4])
    values = [floor + (top - floor) * math.exp(-i * pace) + rng.gauss(0, noise) for i in range(n)]
    return values if decimals is None else [round(value, decimals) for value in values]


def _steps(rng: random.Random, vocabulary: int, n: int) -> tuple[Step, ...]:
    losses = _loss(rng, vocabulary, n)
    base = rng.uniform(1.0, 500.0)
    use = rng.choice(["constant", "whole", "normal", "absent"])
    schedule = rng.choice(["constant", "linear", "cosine"])
    clipped = rng.random() < 0.5
    steps = []
    for i, loss in enumerate(losses):
        wall = base * rng.lognormvariate(0, 0.05) * (20 if i == 0 else 1)
        norm = rng.lognormvariate(-0.3, 0.4)
        rate = {"constant": 3e-4, "linear": 1e-6 * i, "cosine": math.cos(i / max(n, 1))}[schedule]
        metrics = {
            "train_loss": loss,
            "wall_ms": wall,
            "tokens_per_sec": BATCH * LENGTH / wall * 1000,
            "grad_norm": min(1.0, norm) if clipped else norm,
            "lr": rate,
        }
        if use != "absent":
            metrics["gpu_util_pct"] = {
                "constant": 99.0,
                "whole": float(min(100, round(rng.gauss(97, 2)))),
                "normal": rng.gauss(90, 3),
            }[use]
        steps.append(Step(position=10 + i, step=i, metrics=metrics))
    return tuple(steps)


def _epochs(rng: random.Random, vocabulary: int, per_epoch: int, n: int) -> tuple[Epoch, ...]:
    train = _loss(rng, vocabulary, n)
    # Held-out above the training loss, or below it throughout (dropout is off when it is measured).
    offset = rng.choice([0.05, 0.3, -0.3])
    wall = rng.uniform(1.0, 500.0)
    tokens = per_epoch * BATCH * LENGTH
    return tuple(
        Epoch(
            position=1000 + i,
            epoch=i,
            train_loss=loss,
            val_loss=loss + offset + rng.gauss(0, 0.02),
            wall_seconds=wall * rng.lognormvariate(0, 0.1) * (3 if i == 0 else 1),
            tokens_seen=(i + 1) * tokens,
            grad_norm_max=rng.lognormvariate(0, 0.3),
            optimizer_state_sha=f"{rng.getrandbits(256):064x}",
        )
        for i, loss in enumerate(train)
    )


def changed(view: RunView, metric: str, places: range, value: float) -> RunView:
    """The run with a metric set to one value in some of its steps."""
    steps = [
        attrs.evolve(step, metrics={**step.metrics, metric: value}) if i in places else step
        for i, step in enumerate(view.steps)
    ]
    return attrs.evolve(view, steps=tuple(steps))


def with_steps(seed: int, n: int) -> RunView:
    """A sound run of `n` steps, whatever its seed says."""
    rng = draws(seed)
    view = sound_run(seed)
    settings = {k: v for k, v in view.settings.items() if k not in ("steps_asked", "corpus_tokens")}
    steps = _steps(rng, int(view.settings["vocabulary"]), n)
    return attrs.evolve(view, steps=steps, steps_recorded=n, settings=settings, epochs=())


def with_epochs(seed: int, n: int) -> RunView:
    """A sound run of `n` epochs and no steps."""
    rng = draws(seed)
    view = sound_run(seed)
    settings = {k: v for k, v in view.settings.items() if k not in ("steps_asked", "corpus_tokens")}
    epochs = _epochs(rng, int(view.settings["vocabulary"]), 50, n)
    settings["steps_per_epoch"] = 50
    more = {"steps": (), "steps_recorded": 0, "settings": settings}
    return attrs.evolve(view, epochs=epochs, **more)
