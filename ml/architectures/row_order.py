"""The rows of q and k: as Llama's converter to GGUF permutes them, and back.

Rotate-half RoPE turns channel i of a head with channel i + head_dim / 2; ggml's kernel for Llama
turns neighbours. So the converter puts the two rows of a pair side by side, and a file has rows

    0, half, 1, half + 1, 2, half + 2, …

of each head where Hugging Face has 0, 1, 2, …. Whole rows move, whatever they are packed as.
"""

import numpy as np
from numpy.typing import NDArray

PERMUTED: frozenset[str] = frozenset(("attn_q", "attn_k"))


def is_permuted(name: str) -> bool:
    """Whether the converter permutes this tensor: weight or bias of q or k of some layer.

    >>> [is_permuted(f"blk.0.{name}.weight") for name in ("attn_q", "attn_v", "attn_k_norm")]
    [True, False, False]
    """
    parts = name.split(".")
    return len(parts) == 4 and parts[0] == "blk" and parts[2] in PERMUTED


def unpermute(data: NDArray[np.uint8], rows: int, head_dim: int) -> NDArray[np.uint8]:
    """Return the bytes of a tensor of `rows` rows in Hugging Face's order.

    >>> unpermute(np.arange(4, dtype=np.uint8), rows=4, head_dim=4).tolist()
    [0, 2, 1, 3]
    """
    pairs = data.reshape(rows // head_dim, head_dim // 2, 2, -1)  # [heads, half, 2, row bytes]
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(-1)


def permute(data: NDArray[np.uint8], rows: int, head_dim: int) -> NDArray[np.uint8]:
    """Return the bytes of a tensor in Hugging Face's order as the converter puts its rows.

    >>> permute(np.arange(4, dtype=np.uint8), rows=4, head_dim=4).tolist()
    [0, 2, 1, 3]
    """
    halves = data.reshape(rows // head_dim, 2, head_dim // 2, -1)  # [heads, 2, half, row bytes]
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(-1)
