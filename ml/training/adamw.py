"""Clipping by the norm of all gradients, and AdamW (Loshchilov and Hutter 2019), in float32.

In the order of PyTorch's `clip_grad_norm_` and `AdamW`, so that both can be held against each
other: the scale is clip / (norm + 1e-6) but never over 1; the weight decays first, by lr · decay;
the step is lr / (1 - beta1^t) · m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon). Only matrices decay.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from tinygrad import Tensor

from ml.training.settings import Settings, learning_rate

#: What PyTorch adds to the norm before it divides by it.
_NORM_EPSILON: Final = 1e-6

Tensors = Mapping[str, Tensor]


def scalars(settings: Settings, step: int) -> tuple[float, float, float]:
    """Return what changes from step to step: decay factor, step size, and sqrt(1 - beta2^t).

    `step` is 0-based, t = step + 1. They are computed in float64, and rounded to float32 once.
    """
    rate, t = learning_rate(settings, step), step + 1
    return (
        1.0 - rate * settings.weight_decay,
        rate / (1.0 - settings.beta1**t),
        math.sqrt(1.0 - settings.beta2**t),
    )


def norm_of(gradients: Tensors) -> Tensor:
    """Return the norm of all gradients together, `float32 []`."""
    squares = [(gradient * gradient).sum() for gradient in gradients.values()]
    return Tensor.stack(*squares).sum().sqrt()


def update(
    settings: Settings,
    state: Sequence[Tensors],
    gradients: Tensors,
    norm: Tensor,
    at: Tensor,
) -> list[Tensor]:
    """Move weights and moments (`state`: weights, m, v) by one step; return what to realise.

    `at` is `float32 [3]`, the numbers of `scalars`.
    """
    weights, firsts, seconds = state
    scale = (settings.clip / (norm + _NORM_EPSILON)).minimum(1.0)
    decay, size, correction = at[0], at[1], at[2]
    changed = []
    for name, weight in weights.items():
        gradient = gradients[name] * scale
        first = settings.beta1 * firsts[name] + (1.0 - settings.beta1) * gradient
        second = settings.beta2 * seconds[name] + (1.0 - settings.beta2) * gradient * gradient
        first, second = first.contiguous(), second.contiguous()
        kept = weight * decay if weight.ndim > 1 else weight
        moved = kept - size * first / (second.sqrt() / correction + settings.adam_epsilon)
        changed += [
            firsts[name].assign(first),
            seconds[name].assign(second),
            weight.assign(moved.contiguous()),
        ]
    return changed
