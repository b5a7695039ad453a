"""What Hugging Face calls a tensor, and what it is called here (as in GGUF): one table.

The names of the Llama family, which Qwen2, Mistral and others share. A name that is not in the
table is kept as it is; the architecture then says that it does not expect it.
"""

import re
from typing import Final

#: Of the whole model: (Hugging Face, canonical).
_OF_MODEL: Final = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
#: Of a layer, without `.weight` or `.bias`: (after `model.layers.N.`, after `blk.N.`).
_OF_LAYER: Final = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LAYER: Final = re.compile(r"model\.layers\.(0|[1-9][0-9]{0,5})\.(.+)\.(weight|bias)")
_STORED: Final = re.compile(r"blk\.(0|[1-9][0-9]{0,5})\.(.+)\.(weight|bias)")
#: Old Llama checkpoints keep the rotation frequencies, which follow from the config.
_FOLLOWS: Final = re.compile(r"model\.layers\.[0-9]+\.self_attn\.rotary_emb\.inv_freq")


def canonical_name(name: str) -> str:
    """Return the canonical name of a tensor; a name that the table lacks is returned as it is.

    >>> canonical_name("model.layers.3.self_attn.q_proj.bias")
    'blk.3.attn_q.bias'
    """
    parts = _LAYER.fullmatch(name)
    if parts is not None and parts[2] in _OF_LAYER:
        return f"blk.{parts[1]}.{_OF_LAYER[parts[2]]}.{parts[3]}"
    return _OF_MODEL.get(name, name)


def hugging_face_name(name: str) -> str:
    """Return what Hugging Face calls a tensor of ours: the table read the other way."""
    parts = _STORED.fullmatch(name)
    if parts is not None:
        inside = next((theirs for theirs, ours in _OF_LAYER.items() if ours == parts[2]), None)
        return name if inside is None else f"model.layers.{parts[1]}.{inside}.{parts[3]}"
    return next((theirs for theirs, ours in _OF_MODEL.items() if ours == name), name)


def follows_from_config(name: str) -> bool:
    """Whether a tensor holds nothing that the config does not say."""
    return _FOLLOWS.fullmatch(name) is not None
