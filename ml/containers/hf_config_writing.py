"""Writing a `config.json`: GGUF's metadata back to Hugging Face's keys, one table.

A float32 of GGUF is written as the shortest decimal that rounds to it (`1e-06`). What has no key
here is not lost unseen: whoever writes compares what both files say of the pass (`ml.conversion`).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ml.containers.base import Container

#: (GGUF key after the architecture's name, key of config.json).
_ROWS: Final = (
    ("block_count", "num_hidden_layers"),
    ("context_length", "max_position_embeddings"),
    ("embedding_length", "hidden_size"),
    ("feed_forward_length", "intermediate_size"),
    ("attention.head_count", "num_attention_heads"),
    ("attention.head_count_kv", "num_key_value_heads"),
    ("attention.key_length", "head_dim"),
    ("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
    ("rope.freq_base", "rope_theta"),
    ("attention.sliding_window", "sliding_window"),
)
#: After `rope.scaling.`, in `rope_scaling`.
_SCALING: Final = (
    ("type", "rope_type"),
    ("factor", "factor"),
    ("original_context_length", "original_max_position_embeddings"),
    ("low_freq_factor", "low_freq_factor"),
    ("high_freq_factor", "high_freq_factor"),
    ("yarn_beta_fast", "beta_fast"),
    ("yarn_beta_slow", "beta_slow"),
    ("attention_factor", "attention_factor"),
)
#: What transformers calls the class.
_CLASSES: Final[Mapping[str, str]] = {
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
}
_DTYPES: Final[Mapping[str, str]] = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def to_config(container: Container, dtype: str) -> dict[str, Any]:
    """Return what config.json says of a model; `dtype` is GGML's name of most tensors' type."""
    architecture = str(container.metadata["general.architecture"])
    embedding = container.tensors["token_embd.weight"]
    config: dict[str, Any] = {"hidden_act": "silu", "model_type": architecture}
    if architecture in _CLASSES:
        config["architectures"] = [_CLASSES[architecture]]
    for ours, theirs in _ROWS:
        value = container.metadata.get(f"{architecture}.{ours}")
        if value is not None:
            config[theirs] = _decimal(value)
    scaling = {
        theirs: _decimal(container.metadata[f"{architecture}.rope.scaling.{ours}"])
        for ours, theirs in _SCALING
        if f"{architecture}.rope.scaling.{ours}" in container.metadata
    }
    if scaling and scaling.get("rope_type") != "none":
        config["rope_scaling"] = scaling
    config["use_sliding_window"] = "sliding_window" in config
    config["tie_word_embeddings"] = "output.weight" not in container.tensors
    config["vocab_size"] = embedding.shape[0]
    config["torch_dtype"] = _DTYPES.get(dtype, "float32")
    if architecture == "llama":
        config["attention_bias"] = "blk.0.attn_q.bias" in container.tensors
        config["mlp_bias"] = "blk.0.ffn_gate.bias" in container.tensors
    return config


def config_text(config: Mapping[str, Any]) -> str:
    """Return the file: keys sorted, two spaces, as transformers writes it."""
    return json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _decimal(value: object) -> object:
    """The shortest decimal of a float32; anything else as it is."""
    return float(str(np.float32(value))) if isinstance(value, float) else value
