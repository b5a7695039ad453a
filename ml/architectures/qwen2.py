"""Qwen2: pre-norm, grouped-query attention with q/k/v biases, SwiGLU, rotate-half RoPE.

GGUF keeps q and k of Qwen2 in Hugging Face order (only Llama's converter permutes them).
"""

from collections.abc import Mapping

from attrs import frozen

from ml.architectures.base import ModelConfig
from ml.architectures.metadata import (
    optional_count,
    optional_number,
    required_count,
    required_number,
)
from ml.containers import Container
from ml.errors import UnknownTensor, UnsupportedModel

# Present, and not at a value that changes nothing: the file asks for what is not implemented here.
_UNSUPPORTED = (
    ("rope.scaling.type", (None, "none")),
    ("rope.scaling.factor", (None, 1.0)),
    ("attention.sliding_window", (None, 0)),
    ("expert_count", (None, 0)),
)
# GGML's default base, where a file says nothing.
DEFAULT_ROPE_THETA = 10_000.0


@frozen
class Qwen2:
    """The member of `ml.architectures`."""

    id: str = "qwen2"

    def read_config(self, container: Container) -> ModelConfig:
        """Return the config; raise `UnsupportedModel` for scaling, windows and experts."""
        for key, neutral in _UNSUPPORTED:
            value = container.metadata.get(f"{self.id}.{key}")
            if value not in neutral:
                raise UnsupportedModel(
                    f"{self.id}.{key} is {value!r}, which is not implemented",
                    hint="trace a model without it",
                )
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
        return ModelConfig(
            architecture=self.id,
            layers=required_count(container, f"{self.id}.block_count"),
            hidden=hidden,
            feed_forward=required_count(container, f"{self.id}.feed_forward_length"),
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            vocabulary=_vocabulary(container),
            context_length=required_count(container, f"{self.id}.context_length"),
            norm_epsilon=required_number(container, f"{self.id}.attention.layer_norm_rms_epsilon"),
            rope_theta=optional_number(container, f"{self.id}.rope.freq_base", DEFAULT_ROPE_THETA),
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
        for layer in range(config.layers):
            block = f"blk.{layer}."
            shapes |= {
                block + "attn_norm.weight": (hidden,),
                block + "attn_q.weight": (config.q_width, hidden),
                block + "attn_k.weight": (config.kv_width, hidden),
                block + "attn_v.weight": (config.kv_width, hidden),
                block + "attn_q.bias": (config.q_width,),
                block + "attn_k.bias": (config.kv_width,),
                block + "attn_v.bias": (config.kv_width,),
                block + "attn_output.weight": (hidden, config.q_width),
                block + "ffn_norm.weight": (hidden,),
                block + "ffn_gate.weight": (inside, hidden),
                block + "ffn_up.weight": (inside, hidden),
                block + "ffn_down.weight": (hidden, inside),
            }
        return shapes


def _vocabulary(container: Container) -> int:
    """Return the rows of the embedding: the file's own count of tokens may be padded."""
    embedding = container.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise UnknownTensor(
            f"{container.path.name} has no two-dimensional token_embd.weight",
            hint="a vocabulary-only file cannot be run: give the whole model",
        )
    return embedding.shape[0]


QWEN2 = Qwen2()
