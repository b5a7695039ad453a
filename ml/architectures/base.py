"""The contract of an architecture: metadata to a frozen config, and the tensors a model must have.

Weights are named as in GGUF (`blk.0.attn_q.weight`) and shaped outermost first, `[out, in]`.
"""

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

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


class Architecture(Protocol):
    """What a member of `ml.architectures` gives."""

    @property
    def id(self) -> str:
        """The name in `general.architecture`."""

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

    @property
    def parameter_count(self) -> int:
        """Numbers in all tensors; a tied output is counted once."""
        return sum(tensor.elements for tensor in self.tensors.values())

    @property
    def output_tensor(self) -> str:
        """Name of the tensor of the output projection."""
        return "token_embd.weight" if self.config.tied_output else "output.weight"
