"""Qwen2: biases of q, k and v; GGUF keeps their rows in Hugging Face order."""

from typing import Final

from ml.architectures.decoder import Decoder

_BIASES: Final = frozenset(("attn_q", "attn_k", "attn_v"))

QWEN2: Final = Decoder(
    id="qwen2", needed_biases=_BIASES, possible_biases=_BIASES, is_permuted_in_gguf=False
)
