"""Converting a model: another container, other types of numbers, the same model.

    source (open) → plan (what each tensor becomes) → target (written piece by piece) → check

The output is opened again before it gets its name: it must say of the pass what the input says,
else nothing is left behind.
"""

from ml.conversion.converting import THREADS, Converted, ConvertedTensor, check_request, convert
from ml.conversion.packing import LARGEST_SHARE, RoundTrip
from ml.conversion.source import Source, open_source
from ml.conversion.targets import TARGETS, Target, find_target
from ml.quantise.mixtures import BY_MIXTURE, MIXTURES, Mixture

__all__ = [
    "BY_MIXTURE",
    "LARGEST_SHARE",
    "MIXTURES",
    "TARGETS",
    "THREADS",
    "Converted",
    "ConvertedTensor",
    "Mixture",
    "RoundTrip",
    "Source",
    "Target",
    "check_request",
    "convert",
    "find_target",
    "open_source",
]
