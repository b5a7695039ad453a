"""Mistral as Hugging Face names it: Llama without biases, with a sliding window where declared.

In GGUF it is called llama, and is read as that.
"""

from typing import Final

from ml.architectures.decoder import Decoder

MISTRAL: Final = Decoder(
    id="mistral",
    needed_biases=frozenset(),
    possible_biases=frozenset(),
    is_permuted_in_gguf=True,
)
