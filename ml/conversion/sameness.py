"""Whether two files say the same of the pass: what a conversion is held against."""

import numpy as np
from attrs import asdict

from ml import rope
from ml.architectures import ModelConfig


def differing(a: ModelConfig, b: ModelConfig) -> list[tuple[str, object, object]]:
    """Return (knob, of a, of b) where they differ; scalings with equal angles are the same."""
    left, right = asdict(a, recurse=False), asdict(b, recurse=False)
    wrong = [(name, left[name], right[name]) for name in left if left[name] != right[name]]
    return [one for one in wrong if one[0] != "rope_scaling" or not _has_same_angles(a, b)]


def _has_same_angles(a: ModelConfig, b: ModelConfig) -> bool:
    left = rope.frequencies(a.head_dim, a.rope_theta, a.rope_scaling)
    right = rope.frequencies(b.head_dim, b.rope_theta, b.rope_scaling)
    is_as_large = rope.magnitude(a.rope_scaling) == rope.magnitude(b.rope_scaling)
    return is_as_large and np.array_equal(left, right)
