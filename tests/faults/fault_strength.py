"""How small a fault may be and still be found: faults of the pass with a strength.

Each is made ever smaller, by a quarter at a time, until no detector names its site any more. The
sound side is the numpy engine's, so that the answer is the same on every machine.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import numpy as np
from fault_base import Fault, is_found
from fault_detectors import GATE
from fault_ground import Ground, say
from fault_in_passes import slip, turned
from fault_models import BLOCK, HEAD_DIM, TRIALS
from fault_port import EVERY, At, attend, normalised, rotated

LAYER, STEP, FEWEST = 3, 4, 4.0**-14
#: The detectors that look at the pass.
SHARP = {name: detect for name, detect in GATE.items() if name != "bytes"}


def block(strength: float) -> Fault:
    """One block of a matrix times 1 + strength."""

    def project(at: At, x: np.ndarray) -> np.ndarray:
        weight = at.weight("ffn_down.weight")
        weight[40, 3 * BLOCK : 4 * BLOCK] *= 1 + strength
        return x @ weight.T

    what = f"one block of ffn_down of layer {LAYER} times 1 + s"
    return slip("ffn_out", LAYER, project, name="block", what=what)


def row(strength: float) -> Fault:
    """One row of a matrix on its way to the row before."""

    def project(at: At, x: np.ndarray) -> np.ndarray:
        out = x @ at.weight("attn_output.weight").T
        out[:, 31] += strength * (out[:, 30] - out[:, 31])
        return out

    what = f"row 31 of attn_output of layer {LAYER} + s (row 30 - row 31)"
    return slip("attn_out", LAYER, project, name="row", what=what)


def bias(strength: float) -> Fault:
    """A bias that is partly added."""

    def shift(at: At, x: np.ndarray) -> np.ndarray:
        return x + (1 - strength) * at.weight("attn_v.bias")

    what = f"the bias of v of layer {LAYER} times 1 - s"
    return slip("v_bias", LAYER, shift, name="bias", what=what)


def base(strength: float) -> Fault:
    """Another base of the rotation."""

    def turn(at: At, x: np.ndarray) -> np.ndarray:
        theta = at.model.config.rope_theta * (1 + strength)
        return rotated(x, np.arange(len(x)), HEAD_DIM, theta)

    return turned(turn, name="theta", what="the base of the rotation times 1 + s")


def epsilon(strength: float) -> Fault:
    """Another epsilon of the first norm."""

    def norm(at: At, x: np.ndarray) -> np.ndarray:
        larger = at.model.config.norm_epsilon * (1 + strength)
        return normalised(x, larger) * at.weight("attn_norm.weight")

    return slip("attn_norm", EVERY, norm, name="epsilon", what="epsilon of attn_norm times 1 + s")


def scores(strength: float) -> Fault:
    """Scores that are a little too large."""

    def mix(at: At, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        return attend(at, q * (1 + strength), k, v)

    return slip("attn_mix", EVERY, mix, name="scores", what="scores of attention times 1 + s")


FAMILIES: tuple[Callable[[float], Fault], ...] = (block, row, bias, base, epsilon, scores)
#: What is compared, by the words for it.
PAIRS = {
    "same weights": attrs.evolve(TRIALS[1], engine="numpy"),
    "Q8_0 against f16": TRIALS[3],
}
#: The smallest strength found by each detector, or None where even 1 is not.
Smallest = Mapping[str, float | None]


def smallest(ground: Ground, family: Callable[[float], Fault]) -> Smallest:
    """The least strength, of 1, 1/4, 1/16, …, down to which each detector finds every fault."""
    least: dict[str, float | None] = dict.fromkeys(SHARP)
    left, strength = dict(SHARP), 1.0
    while left and strength >= FEWEST:
        fault = family(strength)
        named = say(ground.with_fault(fault), left)
        layers = ground.trial.model.layers
        left = {name: left[name] for name in left if is_found(named[name], fault.site, layers)}
        least |= dict.fromkeys(left, strength)
        strength /= STEP
    return least


def strengths(words: str) -> dict[str, Smallest]:
    """The smallest strengths of a pair, by family."""
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground.of(PAIRS[words], Path(folder))
        return {family(1.0).what: smallest(ground, family) for family in FAMILIES}
