"""Kernel parity: what a device's kernels give is what the numpy reference gives, at every point.

The seeds compared PTX kernels with their CPU code. Here every kernel of an engine, on whatever
device, is held against the float64 reference, which shares no arithmetic with it.
"""

import math
from typing import Final

import numpy as np

from ml.passes import Settings, run_pass
from ml.points import ALL_POINTS, Place
from ml.quality.gates.base import Gate, Measured, NotRun, Subject

#: Positions that are held against one another: enough for every kernel to run.
_TOKENS: Final = 8
#: Largest rms of a difference over the std, by what is rounded: float32 sums, a cache of halves,
#: activations of eight bits. tests/numeric holds the engines to a tenth of the first.
_BARS: Final = {("none", "f32"): 1e-4, ("none", "f16"): 1e-2, ("q8", "f32"): 2e-1}


def _measure(subject: Subject) -> Measured:
    settings = subject.settings
    if settings.engine == "numpy":
        raise NotRun("engine numpy is the reference itself: give another --engine")
    reference = Settings(engine="numpy", device="cpu", kv=settings.kv)
    ids = subject.ids[:_TOKENS]
    passes = [
        run_pass(subject.model, "", ids, one, points=ALL_POINTS) for one in (settings, reference)
    ]
    largest, where = 0.0, ""
    for place, wanted in passes[1].activations.items():
        wide = wanted.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            rms = np.sqrt(((passes[0].activations[place] - wide) ** 2).mean())
            apart = float(rms / wide.std()) if rms else 0.0
        if math.isnan(apart):
            return Measured(value=math.nan, reason=f"not finite at {_words(place)}", n=len(ids))
        if apart > largest:
            largest, where = apart, _words(place)
    return Measured(
        value=largest,
        reason=f"furthest at {where or 'no point'}, on {passes[0].path['device']}",
        n=len(ids),
    )


def _words(place: Place) -> str:
    name, layer = place
    return name if layer is None else f"{name}, layer {layer}"


def _threshold(subject: Subject) -> float:
    settings = subject.settings
    return _BARS.get((settings.activation, settings.kv), _BARS["q8", "f32"])


KERNEL_PARITY: Final = Gate(
    name="kernel-parity",
    metric="qa_kernel_distance",
    unit="ratio",
    operator="at most",
    threshold=_threshold,
    measure=_measure,
)
