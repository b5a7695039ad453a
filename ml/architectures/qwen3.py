"""Qwen3 (dense): no biases, a norm over each head of q and of k before RoPE, heads of any width.

`head_dim` stands by itself: heads times head_dim is not the width of the residual stream. GGUF
keeps the rows of q and k in Hugging Face order.
"""

from typing import Final

from ml.architectures.decoder import Decoder

QWEN3: Final = Decoder(
    id="qwen3",
    needed_biases=frozenset(),
    possible_biases=frozenset(),
    is_permuted_in_gguf=False,
    has_head_norms=True,
)
