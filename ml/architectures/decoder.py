"""What Qwen2, Qwen3 and Llama share: a pre-norm decoder of grouped-query attention, SwiGLU, RoPE.

A member of the room is a row of this class: which biases it must have, which it may have, whether
the heads of q and k are normed, and whether its GGUF files have the rows of q and k permuted.
"""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from ml.architectures.base import ModelConfig
from ml.architectures.metadata import (
    is_at,
    optional_count,
    optional_number,
    required_count,
    required_number,
    shown,
)
from ml.architectures.rope_scaling import FACTORS, read_rope_scaling
from ml.architectures.windows import read_windows
from ml.containers import Container
from ml.errors import UnknownTensor, UnsupportedModel

# Present, and not at a value that changes nothing: the file asks for what is not implemented here.
_UNSUPPORTED: Final = (
    ("attention.causal", (True,)),
    ("attention.clamp_kqv", (0.0,)),
    ("attention.scale", (0.0,)),
    ("embedding_scale", (0.0, 1.0)),
    ("residual_scale", (0.0, 1.0)),
    ("logit_scale", (0.0, 1.0)),
    ("expert_count", (0,)),
)
# GGML's default base, where a file says nothing.
DEFAULT_ROPE_THETA: Final = 10_000.0


@frozen(kw_only=True)
class Decoder:
    """An architecture of this family."""

    id: str
    needed_biases: frozenset[str]
    """Projections that must have a bias, by the names of GGUF (`attn_q`)."""
    possible_biases: frozenset[str]
    """Projections that may have one; what the first layer has, every layer must have."""
    is_permuted_in_gguf: bool
    """Whether GGUF's converter permutes the rows of q and k (`ml.architectures.row_order`)."""
    has_head_norms: bool = False
    """Whether each head of q and of k is normed by itself before RoPE."""

    def read_config(self, container: Container) -> ModelConfig:
        """Return the config; raise `UnsupportedModel` for experts, odd scaling and the like."""
        for key, neutral in _UNSUPPORTED:
            if not is_at(container, f"{self.id}.{key}", neutral):
                value = shown(container, f"{self.id}.{key}")
                raise UnsupportedModel(
                    f"{self.id}.{key} is {value}, which is not implemented",
                    hint="trace a model without it",
                )
        rope_scaling = read_rope_scaling(container, self.id)
        hidden = required_count(container, f"{self.id}.embedding_length")
        heads = required_count(container, f"{self.id}.attention.head_count")
        kv_heads = optional_count(container, f"{self.id}.attention.head_count_kv", heads)
        head_dim = optional_count(container, f"{self.id}.attention.key_length", hidden // heads)
        rotated = optional_count(container, f"{self.id}.rope.dimension_count", head_dim)
        if heads % kv_heads or head_dim % 2 or rotated != head_dim:
            raise UnsupportedModel(
                f"{heads} heads, {kv_heads} kv heads, head dimension {head_dim}, rotated {rotated}",
                hint="heads must be a multiple of kv heads, and whole, even heads are rotated",
            )
        theta = optional_number(container, f"{self.id}.rope.freq_base", DEFAULT_ROPE_THETA)
        if rope_scaling.kind == "yarn" and theta <= 1.0:
            raise UnsupportedModel(
                f"{self.id}.rope.freq_base is {theta}, and YaRN needs one over 1",
                hint="the file is damaged, or its config was edited by hand",
            )
        layers = required_count(container, f"{self.id}.block_count")
        return ModelConfig(
            architecture=self.id,
            layers=layers,
            hidden=hidden,
            feed_forward=required_count(container, f"{self.id}.feed_forward_length"),
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            vocabulary=_vocabulary(container),
            context_length=required_count(container, f"{self.id}.context_length"),
            norm_epsilon=required_number(container, f"{self.id}.attention.layer_norm_rms_epsilon"),
            rope_theta=theta,
            rope_scaling=rope_scaling,
            biases=self.needed_biases | _biases(container, self.possible_biases),
            has_head_norms=self.has_head_norms,
            windows=read_windows(container, self.id, layers),
            tied_output="output.weight" not in container.tensors,
        )

    def expected_tensors(self, config: ModelConfig) -> Mapping[str, tuple[int, ...]]:
        """Return the shape of every tensor, outermost first."""
        hidden, inside = config.hidden, config.feed_forward
        shapes: dict[str, tuple[int, ...]] = {
            "token_embd.weight": (config.vocabulary, hidden),
            "output_norm.weight": (hidden,),
        }
        if not config.tied_output:
            shapes["output.weight"] = (config.vocabulary, hidden)
        if config.rope_scaling.kind == "factors":
            shapes[FACTORS] = (config.head_dim // 2,)
        projections = {
            "attn_q": (config.q_width, hidden),
            "attn_k": (config.kv_width, hidden),
            "attn_v": (config.kv_width, hidden),
            "attn_output": (hidden, config.q_width),
            "ffn_gate": (inside, hidden),
            "ffn_up": (inside, hidden),
            "ffn_down": (hidden, inside),
        }
        biases = sorted(config.biases)
        head_norms = ("attn_q_norm", "attn_k_norm") if config.has_head_norms else ()
        for layer in range(config.layers):
            block = f"blk.{layer}."
            shapes |= {block + f"{norm}.weight": (hidden,) for norm in ("attn_norm", "ffn_norm")}
            shapes |= {block + f"{norm}.weight": (config.head_dim,) for norm in head_norms}
            shapes |= {block + f"{name}.weight": shape for name, shape in projections.items()}
            shapes |= {block + f"{name}.bias": projections[name][:1] for name in biases}
        return shapes


def _biases(container: Container, possible: frozenset[str]) -> frozenset[str]:
    """Return the projections of the first layer that have a bias."""
    return frozenset(name for name in possible if f"blk.0.{name}.bias" in container.tensors)


def _vocabulary(container: Container) -> int:
    """Return the rows of the embedding: the file's own count of tokens may be padded."""
    embedding = container.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise UnknownTensor(
            f"{container.path.name} has no two-dimensional token_embd.weight",
            hint="a vocabulary-only file cannot be run: give the whole model",
        )
    return embedding.shape[0]
