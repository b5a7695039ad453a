"""Llama (and what GGUF calls so, Mistral): biases where the file has them; GGUF permutes q and k.

A checkpoint with `attention_bias` has them at q, k, v and o, one with `mlp_bias` at gate, up and
down; most have none.
"""

from typing import Final

from ml.architectures.decoder import Decoder

LLAMA: Final = Decoder(
    id="llama",
    needed_biases=frozenset(),
    possible_biases=frozenset(
        ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    ),
    is_permuted_in_gguf=True,
)
