"""A Hugging Face checkpoint: a folder with config.json and one or more safetensors files.

    config.json
    model.safetensors.index.json    {"metadata": {…}, "weight_map": {"lm_head.weight": "model-…"}}
    model-00001-of-00002.safetensors
    model-00002-of-00002.safetensors

Opened by the folder, the index or the config. A checkpoint of one file has `model.safetensors` and
needs no index. Tensors have their canonical names (`ml.containers.names`), metadata GGUF's keys
(`ml.containers.hf_config`). Rows of q and k stand in Hugging Face's order, as in the files.

The digest covers what the numbers depend on: it is that of the lines that `sha256sum config.json
*.safetensors` prints in the folder (names in byte order), so anybody can compute it again.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from ml.containers.base import (
    MOST_TENSORS,
    TensorInfo,
    is_folder,
    is_there,
    legible,
    map_file,
    shortened,
)
from ml.containers.hf_config import CONFIG, read_config, to_metadata
from ml.containers.json_text import JsonCursor
from ml.containers.names import canonical_name, follows_from_config
from ml.containers.safetensors import (
    LONGEST_NAME,
    SafetensorsFile,
    open_safetensors,
)
from ml.errors import FileUnreadable, MalformedFile, UnsupportedModel

ONE_FILE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
MOST_FILES: Final = 4096
#: Bytes; that of a model with 140,000 tensors has some 12 MB.
LARGEST_INDEX: Final = 32_000_000
_HINT: Final = "fetch the whole checkpoint again: config, index and every file that the index names"
_OUTPUT: Final = "output.weight"
#: Llama's switches, and the projections whose biases they are for; transformers takes no bias from
#: the files that the config does not name.
_BIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "attention_bias": ("attn_q", "attn_k", "attn_v", "attn_output"),
    "mlp_bias": ("ffn_gate", "ffn_up", "ffn_down"),
}


@frozen(kw_only=True)
class Checkpoint:
    """An open checkpoint (a `Container`); `path` is the folder."""

    path: Path
    files: Mapping[str, SafetensorsFile] = field(repr=False)
    """The files with tensors by name, in byte order."""
    config: Mapping[str, Any] = field(repr=False)
    """What config.json says."""
    metadata: Mapping[str, object] = field(repr=False)
    tensors: Mapping[str, TensorInfo] = field(repr=False)
    format: str = "safetensors"

    @property
    def size_bytes(self) -> int:
        """Bytes of all files with tensors."""
        return sum(file.size_bytes for file in self.files.values())

    def preview(self, key: str, most: int) -> tuple[object, int | None]:
        """Return a value, of an array its first `most` elements and its length."""
        return shortened(self.metadata[key], most)

    def digest(self) -> str:
        """Return the SHA-256, in hex, of the lines `DIGEST  NAME` of config and files."""
        config = hashlib.sha256(map_file(self.path / CONFIG)).hexdigest()
        lines = [(CONFIG, config), *((name, file.digest()) for name, file in self.files.items())]
        text = "".join(f"{digest}  {name}\n" for name, digest in lines)
        return hashlib.sha256(text.encode()).hexdigest()

    def tensor_bytes(self, name: str) -> NDArray[np.uint8]:
        """Return a read-only view `uint8 [size_bytes]` of one tensor."""
        tensor = self.tensors[name]
        return self.files[str(tensor.file)].tensor_bytes(str(tensor.stored_as))


def is_checkpoint(path: Path, head: bytes) -> bool:
    """Whether a path is a folder, or a file that belongs to a checkpoint as a whole."""
    is_index = path.name.endswith(".index.json") or path.name == CONFIG
    return is_folder(path) or (is_index and bool(head))


def open_checkpoint(path: Path) -> Checkpoint:
    """Open a checkpoint, check every header, and that index and files agree.

    Raises `FileUnreadable` where a file is missing, `MalformedFile` (with the offset),
    `UnsupportedQuantType`, or `UnsupportedModel` for a config that is not implemented.
    """
    folder = path if is_folder(path) else path.parent
    if not is_there(folder / CONFIG):
        raise FileUnreadable(
            f"{folder} has no {CONFIG}", hint="give a model file, or the folder of a checkpoint"
        )
    config = read_config(folder / CONFIG)
    metadata = to_metadata(config, folder / CONFIG)
    index = path if path.name.endswith(".index.json") else folder / INDEX
    if is_there(index):
        files = _open_indexed(folder, index)
    elif is_there(folder / ONE_FILE):
        files = {ONE_FILE: open_safetensors(folder / ONE_FILE)}
    else:
        raise FileUnreadable(f"{folder} has neither {ONE_FILE} nor {INDEX}", hint=_HINT)
    tensors = _name_tensors(files, folder)
    _tie_output(config, tensors, folder)
    if config.get("model_type") == "llama":
        _check_biases(config, tensors, folder)
    return Checkpoint(path=folder, files=files, config=config, metadata=metadata, tensors=tensors)


def _open_indexed(folder: Path, index: Path) -> dict[str, SafetensorsFile]:
    """Open the files that an index names; each tensor must be where the index says."""
    places = _read_index(index)
    wanted = sorted({file for _, file in places.values()}, key=str.encode)
    if len(wanted) > MOST_FILES:
        raise _malformed(index, f"names {len(wanted)} files, over the limit of {MOST_FILES}", 0)
    files = {name: open_safetensors(folder / name) for name in wanted}
    for name, (at, file) in places.items():
        if name not in files[file].tensors:
            raise _malformed(index, f"tensor {name} is not in {file}", at)
    for name, opened in files.items():
        for tensor in opened.tensors:
            if tensor not in places or places[tensor][1] != name:
                raise _malformed(index, f"does not say that tensor {tensor} is in {name}", 0)
    return files


def _read_index(index: Path) -> dict[str, tuple[int, str]]:
    """Where each tensor lies: name -> (offset in the index, file)."""
    data = map_file(index)
    cursor = JsonCursor(index, memoryview(data), 0, len(data), _HINT)
    if len(data) > LARGEST_INDEX:
        raise cursor.fail(f"has {len(data)} bytes, over the limit of {LARGEST_INDEX}")
    places: dict[str, tuple[int, str]] = {}
    for _, key in cursor.members("the index", LONGEST_NAME):
        if key != "weight_map":
            cursor.skip(f"{key[:80]!r} of the index", LONGEST_NAME)
            continue
        for at, name in cursor.members("weight_map", LONGEST_NAME):
            file = cursor.text(f"the file of {name[:80]}", 255)
            # Only a file beside the index: a path could lead anywhere.
            if "/" in file or "\\" in file or "\0" in file or not file.endswith(".safetensors"):
                raise cursor.fail(f"{file!r} is no name of a safetensors file", at)
            if len(places) == MOST_TENSORS:
                raise cursor.fail(f"weight_map has more than {MOST_TENSORS} tensors", at)
            places[name] = (at, file)
    if cursor.peek():
        raise cursor.fail("the index goes on after its last '}'")
    if not places:
        raise cursor.fail("the index has no weight_map, or an empty one", 0)
    return places


def _name_tensors(files: Mapping[str, SafetensorsFile], folder: Path) -> dict[str, TensorInfo]:
    """Every tensor by its canonical name, file by file."""
    tensors: dict[str, TensorInfo] = {}
    for file, opened in files.items():
        for stored, tensor in opened.tensors.items():
            if follows_from_config(stored):
                continue
            name = canonical_name(stored)
            if name in tensors:
                both = f"{tensors[name].stored_as} and {stored}"
                raise _malformed(
                    folder / file, f"{both} are both {name}", opened.tensors[stored].offset
                )
            tensors[name] = evolve(tensor, name=name, stored_as=stored, file=file)
    return tensors


def _tie_output(config: Mapping[str, Any], tensors: dict[str, TensorInfo], folder: Path) -> None:
    """Hold what config.json says of a tied output against the tensors.

    A tied output that is in the files all the same counts for nothing, as with transformers.
    """
    tied = config.get("tie_word_embeddings")
    if tied is True:
        tensors.pop(_OUTPUT, None)
    if tied is False and _OUTPUT not in tensors and "token_embd.weight" in tensors:
        raise UnsupportedModel(
            f"{folder.name}: {CONFIG} says that the output has weights of its own, and there is no "
            "lm_head.weight",
            hint=_HINT,
        )


def _check_biases(
    config: Mapping[str, Any], tensors: Mapping[str, TensorInfo], folder: Path
) -> None:
    """Hold what config.json says of biases against the tensors of the first layer."""
    for key, projections in _BIASES.items():
        names = [f"blk.0.{projection}.bias" for projection in projections]
        is_wanted = config.get(key) or False
        wrong = [name for name in names if (name in tensors) is not is_wanted]
        if wrong:
            found = "is missing" if is_wanted else "is there all the same"
            said = f"{key} of {CONFIG} is {str(is_wanted)[:80]}"
            raise UnsupportedModel(
                f"{folder.name}: {said}, and {wrong[0]} {found}",
                hint=_HINT,
            )


def _malformed(path: Path, message: str, offset: int) -> MalformedFile:
    return MalformedFile(legible(message), path=path, offset=offset, hint=_HINT)
