"""Checkpoints as Hugging Face has them, made from a GGUF file: `checkpoints.py MODEL.gguf FOLDER`.

Every tensor keeps its bytes and type unless bfloat16 is asked for; names and config.json are
Hugging Face's. The files are written byte by byte here, so that tests of the reader do not rest on
the reader, nor on the `safetensors` package, which is the oracle elsewhere.
"""

import argparse
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml import quant_types
from ml.containers import Container, open_container
from ml.containers.names import hugging_face_name

#: A tensor as it is written: dtype, shape, bytes.
Written = tuple[str, tuple[int, ...], bytes]


def safetensors_bytes(
    tensors: Mapping[str, Written], metadata: Mapping[str, str] | None = None
) -> bytes:
    """A safetensors file with tensors in this order, its header padded to eight bytes."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    begin = 0
    for name, (dtype, shape, data) in tensors.items():
        end = begin + len(data)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data for *_, data in tensors.values())


def config_of(model: Container) -> dict[str, Any]:
    """The config.json of a Qwen2 model."""

    def of(key: str) -> Any:
        return model.metadata[f"qwen2.{key}"]

    return {
        "architectures": ["Qwen2ForCausalLM"],
        "hidden_act": "silu",
        "hidden_size": of("embedding_length"),
        "intermediate_size": of("feed_forward_length"),
        "max_position_embeddings": of("context_length"),
        "model_type": "qwen2",
        "num_attention_heads": of("attention.head_count"),
        "num_hidden_layers": of("block_count"),
        "num_key_value_heads": of("attention.head_count_kv"),
        # As a config has it, in decimal; GGUF keeps the float32 next to it.
        "rms_norm_eps": float(f"{of('attention.layer_norm_rms_epsilon'):.6g}"),
        "rope_theta": of("rope.freq_base"),
        "sliding_window": 32768,
        "tie_word_embeddings": "output.weight" not in model.tensors,
        "use_sliding_window": False,
        "vocab_size": model.tensors["token_embd.weight"].shape[0],
    }


def _written(model: Container, name: str, *, is_bf16: bool) -> Written:
    """A tensor as it goes into the file: its own bytes, or cut to bfloat16 as torch checkpoints."""
    info, data = model.tensors[name], model.tensor_bytes(name)
    if not is_bf16:
        return info.quant_type.name, info.shape, data.tobytes()
    numbers = quant_types.decode(info.quant_type, data, info.shape, tensor=name)
    return "BF16", info.shape, (numbers.view("<u4") >> 16).astype("<u2").tobytes()


def write_checkpoint(source: Path, folder: Path, *, files: int = 1, is_bf16: bool = False) -> Path:
    """Write the checkpoint of a GGUF model with plain numbers; returns the folder."""
    model = open_container(source)
    tensors = {
        hugging_face_name(name): _written(model, name, is_bf16=is_bf16) for name in model.tensors
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_of(model), indent=2) + "\n")
    names, places = list(tensors), {}
    for number in range(files):
        part = names[number::files]
        one = f"model-{number + 1:05}-of-{files:05}.safetensors"
        file = "model.safetensors" if files == 1 else one
        written = {name: tensors[name] for name in part}
        (folder / file).write_bytes(safetensors_bytes(written, {"format": "pt"}))
        places |= dict.fromkeys(part, file)
    if files > 1:
        total = sum(info.size_bytes for info in model.tensors.values())
        index = {"metadata": {"total_size": total}, "weight_map": places}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    return folder


def main() -> None:
    """Write one checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    given = parser.parse_args()
    write_checkpoint(given.model, given.folder, files=given.files, is_bf16=given.bf16)


if __name__ == "__main__":
    main()
