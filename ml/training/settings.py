"""Everything that decides how a run of training goes, and the learning rate of a step."""

import math
from typing import Final, Literal

from attrs import asdict, field, frozen, validators

from ml.errors import BadOption
from ml.training.presets import Preset

Compute = Literal["float32", "bfloat16"]
_POSITIVE: Final = [validators.instance_of(int), validators.ge(1)]


@frozen(kw_only=True)
class Settings:
    """What a run is asked for. Two runs with equal settings and data take equal steps."""

    preset: Preset
    vocabulary: int = field(validator=_POSITIVE)
    """Rows of the embedding, padding included."""
    steps: int = field(validator=_POSITIVE)
    """Steps of the whole run: the learning rate falls until the last."""
    batch: int = field(validator=_POSITIVE)
    """Windows in one pass."""
    accumulate: int = field(default=1, validator=_POSITIVE)
    """Passes whose gradients make one step."""
    sequence: int = field(validator=_POSITIVE)
    """Tokens of a window."""
    lr: float = 1e-3
    """The highest learning rate, reached after the warm-up."""
    min_lr: float = 1e-4
    """The learning rate of the last step."""
    warmup: int = field(default=0, validator=[validators.instance_of(int), validators.ge(0)])
    """Steps of linear warm-up."""
    weight_decay: float = 0.1
    """Of matrices only; norms do not decay."""
    beta1: float = 0.9
    beta2: float = 0.95
    adam_epsilon: float = 1e-8
    clip: float = 1.0
    """The largest norm of all gradients together; a larger one is scaled down to it."""
    seed: int = field(default=42, validator=[validators.instance_of(int), validators.ge(0)])
    """Of the weights at the beginning and the order of the data."""
    compute: Compute = "float32"
    """What products are computed in; weights and the optimizer's state are float32."""

    def __attrs_post_init__(self) -> None:
        numbers = {"lr": self.lr, "clip": self.clip, "adam_epsilon": self.adam_epsilon}
        wrong = [f"{name} is {value}" for name, value in numbers.items() if not value > 0]
        wrong += [
            f"{name} is {value}"
            for name, value in (("beta1", self.beta1), ("beta2", self.beta2))
            if not 0 <= value < 1
        ]
        if not 0 <= self.min_lr <= self.lr:
            wrong.append(f"min_lr is {self.min_lr}, over lr {self.lr} or below 0")
        if not self.weight_decay >= 0:
            wrong.append(f"weight_decay is {self.weight_decay}")
        if self.compute not in ("float32", "bfloat16"):
            wrong.append(f"compute is {self.compute!r}")
        if wrong:
            raise BadOption("; ".join(wrong), hint="rates are over 0, betas from 0 to below 1")

    @property
    def step_tokens(self) -> int:
        """Tokens that one step learns from."""
        return self.batch * self.accumulate * self.sequence

    def record(self) -> dict[str, object]:
        """Return the settings as plain values by name, for a record and for comparing two runs."""
        return asdict(self)


def learning_rate(settings: Settings, step: int) -> float:
    """Return the rate of a step, 0-based: up in a line, then down in half a cosine.

    >>> from ml.training.presets import PRESETS
    >>> s = Settings(preset=PRESETS[0], vocabulary=512, steps=12, batch=1, sequence=32, warmup=2,
    ...              lr=1.0, min_lr=0.0)
    >>> [round(learning_rate(s, step), 3) for step in (0, 1, 2, 7, 11, 12)]
    [0.5, 1.0, 1.0, 0.5, 0.024, 0.0]
    """
    if step < settings.warmup:
        return settings.lr * (step + 1) / settings.warmup
    share = min(1.0, (step - settings.warmup) / max(1, settings.steps - settings.warmup))
    return settings.min_lr + 0.5 * (settings.lr - settings.min_lr) * (1 + math.cos(math.pi * share))
