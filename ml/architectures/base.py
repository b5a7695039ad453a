"""The contract of an architecture: metadata to a frozen config, and the tensors a model must have.

Weights are named as in GGUF (`blk.0.attn_q.weight`) and shaped outermost first, `[out, in]`.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.architectures.rope_scaling import RopeScaling
from ml.architectures.row_order import is_permuted, unpermute
from ml.containers import Container, TensorInfo


@frozen(kw_only=True)
class ModelConfig:
    """Every knob of a forward pass, as the file gives it."""

    architecture: str
    layers: int
    hidden: int
    """Width of the residual stream."""
    feed_forward: int
    """Width of the feed-forward's inside."""
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    """Token ids run from 0 to this, exclusive."""
    context_length: int
    """Most positions the model was made for."""
    norm_epsilon: float
    rope_theta: float
    rope_scaling: RopeScaling
    biases: frozenset[str]
    """Projections that have a bias, by the names of GGUF (`attn_q`)."""
    has_head_norms: bool
    """Each head of q and of k is normed by itself before RoPE, over `head_dim` channels."""
    windows: tuple[int, ...]
    """By layer, how many positions a token sees, itself among them, 0 for all; empty where no layer
    has a window (`ml.architectures.windows`)."""
    tied_output: bool
    """The output projection is the token embedding."""

    @property
    def q_width(self) -> int:
        """Width of all query heads."""
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Width of all key (or value) heads."""
        return self.kv_heads * self.head_dim

    def window(self, layer: int) -> int:
        """How many positions a token sees in a layer, itself among them; 0 for all before it."""
        return self.windows[layer] if self.windows else 0


class Architecture(Protocol):
    """What a member of `ml.architectures` gives."""

    @property
    def id(self) -> str:
        """The name in `general.architecture`."""

    @property
    def is_permuted_in_gguf(self) -> bool:
        """Whether GGUF's converter permutes the rows of q and k (`ml.architectures.row_order`)."""

    def read_config(self, container: Container) -> ModelConfig:
        """Return the config; raise `UnsupportedModel` for what is not implemented."""

    def expected_tensors(self, config: ModelConfig) -> Mapping[str, tuple[int, ...]]:
        """Return the shape of every tensor that the model must have, and no other."""


@frozen(kw_only=True)
class Model:
    """An opened model: its file, config and checked tensors."""

    container: Container = field(repr=False)
    name: str
    config: ModelConfig
    tensors: Mapping[str, TensorInfo] = field(repr=False)
    is_permuted: bool
    """The file has the rows of q and k in ggml's order for Llama, not in Hugging Face's."""

    def tensor_bytes(self, name: str) -> NDArray[np.uint8]:
        """Return one tensor's bytes with rows in Hugging Face's order; KeyError if unknown.

        A view of the file where the order is the file's own, else a new array.
        """
        data = self.container.tensor_bytes(name)
        if not (self.is_permuted and is_permuted(name)):
            return data
        return unpermute(data, self.tensors[name].shape[0], self.config.head_dim)

    @property
    def parameter_count(self) -> int:
        """Numbers in all tensors; a tied output is counted once."""
        return sum(tensor.elements for tensor in self.tensors.values())

    @property
    def output_tensor(self) -> str:
        """Name of the tensor of the output projection."""
        return "token_embd.weight" if self.config.tied_output else "output.weight"
