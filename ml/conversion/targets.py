"""The containers that are written, one row each, chosen by the suffix of the output."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from attrs import frozen

from ml.containers.apr_layout import dtype_id
from ml.containers.apr_metadata import ROWS
from ml.containers.apr_writing import write_apr
from ml.containers.dtypes import DTYPES
from ml.containers.gguf_pairs import CARRIED, Pair, carry
from ml.containers.gguf_writing import write_gguf
from ml.containers.hf_config import CONFIG
from ml.containers.hf_config_writing import config_text, to_config
from ml.containers.names import hugging_face_name
from ml.containers.safetensors_writing import write_safetensors
from ml.containers.writing import OutgoingTensor
from ml.conversion import rotation
from ml.conversion.source import ORDER, Source
from ml.conversion.tokenizer_files import tokenizer_files
from ml.errors import BadConversion
from ml.quant_types import QuantType

Tensors = Sequence[OutgoingTensor]
Write = Callable[[BinaryIO, Source, Sequence[Pair], Tensors], None]


@frozen(kw_only=True)
class Target:
    """One row of the table."""

    suffix: str
    """Of the output's name; empty for a folder."""
    name: str
    write: Write
    accepts: Callable[[QuantType], bool]
    """Whether it has a place for a type."""
    is_gguf: bool = False
    has_config: bool = False
    """Whether config.json is written beside the tensors."""

    def stored_name(self, name: str) -> str:
        """What the file calls a tensor of a canonical name."""
        return name if self.is_gguf else hugging_face_name(name)


def _gguf(file: BinaryIO, _source: Source, pairs: Sequence[Pair], tensors: Tensors) -> None:
    write_gguf(file, pairs, tensors)


def _apr(file: BinaryIO, source: Source, pairs: Sequence[Pair], tensors: Tensors) -> None:
    write_apr(file, _document(source, pairs, tensors), tensors)


def _safetensors(file: BinaryIO, source: Source, pairs: Sequence[Pair], tensors: Tensors) -> None:
    metadata = {"format": "pt"}
    if pairs:
        metadata |= {CARRIED: carry(list(pairs)), ORDER: "\n".join(source.order)}
    write_safetensors(file, metadata, tensors)


def _is_of_gguf(kind: QuantType) -> bool:
    return kind.id >= 0


def _is_of_apr(kind: QuantType) -> bool:
    return dtype_id(kind) is not None


def _is_plain(kind: QuantType) -> bool:
    return DTYPES.get(kind.name) == kind


#: The last row takes what has no other suffix.
TARGETS: Final[tuple[Target, ...]] = (
    Target(suffix=".gguf", name="gguf", write=_gguf, accepts=_is_of_gguf, is_gguf=True),
    Target(suffix=".apr", name="apr", write=_apr, accepts=_is_of_apr),
    Target(suffix=".safetensors", name="safetensors", write=_safetensors, accepts=_is_plain),
    Target(suffix="", name="checkpoint", write=_safetensors, accepts=_is_plain, has_config=True),
)


def find_target(path: Path) -> Target:
    """Return the row for an output's name; raise `BadConversion` for an unknown suffix."""
    for target in TARGETS:
        if path.suffix == target.suffix:
            return target
    raise BadConversion(
        f"{path.name} ends in {path.suffix}, which is no container that is written",
        hint="end it in .gguf, .apr or .safetensors; a name without a suffix is a folder",
    )


def files_of(source: Source, tensors: Tensors) -> dict[str, str]:
    """Return what stands beside the tensors: text by name of file."""
    return {CONFIG: config_of(source, tensors), **tokenizer_files(source.container)}


def config_of(source: Source, tensors: Tensors) -> str:
    """Return the text of config.json."""
    if "token_embd.weight" not in source.container.tensors:
        raise BadConversion(
            f"{source.container.path.name} has no token_embd.weight: no config follows from it",
            hint="convert to .safetensors instead, one file without a config",
        )
    config = to_config(source.container, most_common(tensors))
    if source.config is not None and source.config.rope_scaling.kind == "factors":
        config["rope_scaling"] = rotation.config_entry(source.config)
    return config_text(config)


def most_common(tensors: Tensors) -> str:
    """Return the name of the type that has the most numbers."""
    counts: dict[str, int] = {}
    for tensor in tensors:
        size = int(np.prod(tensor.shape, dtype=np.int64))
        counts[tensor.quant_type.name] = counts.get(tensor.quant_type.name, 0) + size
    return max(sorted(counts), key=lambda name: counts[name]) if counts else "F32"


def _document(source: Source, pairs: Sequence[Pair], tensors: Tensors) -> dict[str, Any]:
    """The JSON of an APR file: its own keys for everybody, GGUF's pairs for an exact way back."""
    metadata, config = source.container.metadata, source.config
    architecture = str(metadata.get("general.architecture", ""))
    document: dict[str, Any] = {"model_type": architecture}
    for theirs, (ours, kind) in ROWS.items():
        value = metadata.get(ours.format(architecture))
        if isinstance(value, str | int | float):
            document[theirs] = float(str(np.float32(value))) if kind == "f32" else value
    if config is not None:
        document |= {"vocab_size": config.vocabulary, "head_dim": config.head_dim, "rope_type": 2}
    document |= _kept(source)
    document["param_count"] = sum(int(np.prod(one.shape, dtype=np.int64)) for one in tensors)
    document["total_size"] = sum(one.size_bytes for one in tensors)
    document.setdefault("original_format", source.container.format.split()[0])
    if pairs:
        document |= {CARRIED: carry(list(pairs)), ORDER: list(source.order)}
    document["has_vocabulary"] = "tokenizer.ggml.tokens" in metadata
    return document


def _kept(source: Source) -> Mapping[str, Any]:
    """What an APR file says of itself beyond the keys of the table: kept in another one."""
    inner: Any = getattr(source.container.inner, "document", {})
    return {key: inner[key] for key in inner if key not in (CARRIED, ORDER)}
