"""A checkpoint as a Hugging Face folder: what other programs, and our own `convert`, can read.

The embedding keeps its padding rows, because the loss was computed over them; the tokenizer names
fewer ids, and a GGUF file that is made of the folder fills up with unused tokens, as llama.cpp's
own converter does. Weights are float32 and the rows of q and k stand as Hugging Face has them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.containers.dtypes import DTYPES
from ml.containers.names import hugging_face_name
from ml.containers.safetensors_writing import write_safetensors
from ml.containers.writing import OutgoingTensor, whole_file
from ml.errors import BadOption, FileUnwritable
from ml.training.settings import Settings
from ml.training.trainer import State

WEIGHTS: Final = "model.safetensors"
CONFIG: Final = "config.json"
TOKENIZER: Final = "tokenizer.json"
SETTINGS: Final = "tokenizer_config.json"


@frozen(kw_only=True)
class Vocabulary:
    """What goes along of the corpus: its tokenizer."""

    content: bytes
    """tokenizer.json, byte for byte."""
    tokens: int
    end_id: int


def config_of(settings: Settings, end_id: int) -> dict[str, Any]:
    """Return what config.json says: a Llama with tied embedding."""
    preset = settings.preset
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "bos_token_id": end_id,
        "eos_token_id": end_id,
        "head_dim": preset.head_dim,
        "hidden_act": "silu",
        "hidden_size": preset.hidden,
        "intermediate_size": preset.feed_forward,
        "max_position_embeddings": max(preset.sequence, settings.sequence),
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": preset.heads,
        "num_hidden_layers": preset.layers,
        "num_key_value_heads": preset.kv_heads,
        "rms_norm_eps": preset.epsilon,
        "rope_theta": preset.rope_theta,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "vocab_size": settings.vocabulary,
    }


def export(
    folder: Path, settings: Settings, state: State, vocabulary: Vocabulary
) -> tuple[Path, ...]:
    """Write the files; return their paths. Raises `FileUnwritable` where one is there already.

    Raises `BadOption` for a vocabulary that the model was not trained with.
    """
    if not vocabulary.tokens <= settings.vocabulary < vocabulary.tokens + 64:
        raise BadOption(
            f"{vocabulary.tokens} tokens in the tokenizer, {settings.vocabulary} rows of embedding",
            hint="give the corpus that the model was trained on",
        )
    end = json.loads(vocabulary.content).get("added_tokens") or []
    names = {token["id"]: token["content"] for token in end}
    special = {"eos_token": names[vocabulary.end_id]} if vocabulary.end_id in names else {}
    texts = {
        CONFIG: _text(config_of(settings, vocabulary.end_id)),
        TOKENIZER: vocabulary.content,
        SETTINGS: _text({**special, "add_bos_token": False, "tokenizer_class": "GPT2Tokenizer"}),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileUnwritable(
            f"cannot make {folder}: {error.strerror}", hint="give another folder"
        ) from error
    taken = [name for name in (*texts, WEIGHTS) if (folder / name).exists()]
    if taken:
        raise FileUnwritable(
            f"{folder} has {', '.join(taken)} already", hint="give an empty folder"
        )
    tensors = [
        _outgoing(hugging_face_name(name), array) for name, array in state.parts["weights"].items()
    ]
    with whole_file(folder / WEIGHTS, is_forced=False) as (file, _):
        write_safetensors(file, {"format": "pt"}, tensors)
    for name, data in texts.items():
        with whole_file(folder / name, is_forced=False) as (file, _):
            file.write(data)
    return tuple(folder / name for name in (WEIGHTS, *texts))


def _text(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _outgoing(name: str, array: NDArray[np.float32]) -> OutgoingTensor:
    data = np.ascontiguousarray(array, dtype="<f4")
    return OutgoingTensor(
        name=name, shape=data.shape, quant_type=DTYPES["F32"], pieces=lambda: [data.tobytes()]
    )
