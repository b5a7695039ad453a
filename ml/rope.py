"""The stated RoPE rule, from which every tinygrad engine takes its tables.

Pair i of a head of dimension d turns at position p by the angle p·theta^(-2i/d). Angles are
computed in float64; cos and sin are rounded to float32. Rotate-half convention (Qwen2, and Llama in
Hugging Face order): channel i is paired with channel i + d/2.

The numpy engine has its own implementation of this rule (`ml.engines.reference`), so that a slip
here shows as a difference.
"""

import numpy as np
from numpy.typing import NDArray

RULE = "float64 angles, cos and sin rounded to float32; rotate-half pairs"


def tables(
    positions: NDArray[np.int64], head_dim: int, theta: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return cos and sin, `float32 [positions, head_dim / 2]` each."""
    pairs = np.arange(head_dim // 2, dtype=np.float64)
    frequencies = np.float64(theta) ** (-2.0 * pairs / head_dim)
    angles = positions.astype(np.float64)[:, None] * frequencies[None, :]
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
