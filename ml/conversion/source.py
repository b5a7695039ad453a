"""The model that is converted: its tensors under canonical names, its metadata as GGUF's pairs."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from ml.architectures import Architecture, ModelConfig, find_architecture, is_permuted_file
from ml.architectures.row_order import is_permuted, permute, unpermute
from ml.containers import Container, TensorInfo, open_container
from ml.containers.apr import AprFile
from ml.containers.apr_metadata import PREFIX
from ml.containers.base import shortened
from ml.containers.checkpoint import Checkpoint
from ml.containers.gguf import GgufFile
from ml.containers.gguf_pairs import CARRIED, Pair, read_carried, untyped
from ml.containers.gguf_values import LazyArray, LazyText
from ml.containers.safetensors import SafetensorsFile
from ml.conversion.vocabulary import FILE, NotCarried, vocabulary_pairs
from ml.errors import MlError
from ml.file_comparison import select

#: Where a file carries the order of the tensors that a GGUF file had.
ORDER = "gguf_tensor_order"


@frozen(kw_only=True)
class View:
    """A container seen under other names or other metadata (a `Container`)."""

    inner: Container
    metadata: Mapping[str, object] = field(repr=False)
    tensors: Mapping[str, TensorInfo] = field(repr=False)
    """By canonical name; `stored_as` is the inner one's own."""

    @property
    def path(self) -> Path:
        """The file, or the folder of the files."""
        return self.inner.path

    @property
    def format(self) -> str:
        """Name and version of the format."""
        return self.inner.format

    @property
    def size_bytes(self) -> int:
        """Size of the file, or of all files with tensors."""
        return self.inner.size_bytes

    def preview(self, key: str, most: int) -> tuple[object, int | None]:
        """Return a value, of an array its first `most` elements and its length."""
        return shortened(self.metadata[key], most)

    def digest(self) -> str:
        """Return the digest of what lies below."""
        return self.inner.digest()

    def tensor_bytes(self, name: str) -> NDArray[np.uint8]:
        """Return a read-only view `uint8 [size_bytes]` of one tensor."""
        return self.inner.tensor_bytes(str(self.tensors[name].stored_as))


@frozen(kw_only=True)
class Source:
    """An opened model, and what its architecture says of it."""

    container: View
    pairs: tuple[Pair, ...] = field(repr=False)
    """The metadata as GGUF would have it."""
    has_own_pairs: bool
    """Whether the file has or carries them; they are made from a config where it does not."""
    order: tuple[str, ...] = field(repr=False)
    """Canonical names, in the order that a GGUF file of it has."""
    architecture: Architecture | None
    config: ModelConfig | None
    problem: MlError | None
    """Why there is no config; None where there is one."""
    notes: tuple[str, ...] = ()
    """What of the model is not carried over, and why."""

    @property
    def is_permuted(self) -> bool:
        """Whether its rows of q and k are in GGUF's order."""
        return self.architecture is not None and is_permuted_file(self.container, self.architecture)

    def tensor_bytes(self, name: str, *, is_for_gguf: bool) -> NDArray[np.uint8]:
        """Return a tensor's bytes with its rows in the order that the target has them in."""
        data = self.container.tensor_bytes(name)
        if self.architecture is None or self.config is None or not is_permuted(name):
            return data
        wanted = is_for_gguf and self.architecture.is_permuted_in_gguf
        if wanted == self.is_permuted:
            return data
        move = permute if wanted else unpermute
        return move(data, self.container.tensors[name].shape[0], self.config.head_dim)


def open_source(path: Path) -> Source:
    """Open a model file or a checkpoint's folder; raises what opening raises.

    A file of an unknown architecture opens too; `problem` then says what is not known of it.
    """
    opened = open_container(path)
    names = select(opened, "*")
    tensors = {
        name: evolve(opened.tensors[own], name=name, stored_as=own) for name, own in names.items()
    }
    metadata, pairs, order = _metadata(opened)
    view = View(inner=opened, metadata=metadata, tensors=tensors)
    architecture, config, problem = _config(view)
    if isinstance(opened, Checkpoint) and config is not None:
        pairs = _trusted(opened, view, pairs, config)
    made, notes = ([], ()) if pairs else _with_vocabulary(view)
    known = dict.fromkeys(name for name in order if name in tensors)
    return Source(
        container=view,
        pairs=tuple(pairs or made),
        has_own_pairs=bool(pairs),
        order=tuple(known | dict.fromkeys(tensors)),
        architecture=architecture,
        config=config,
        problem=problem,
        notes=notes,
    )


def _config(view: View) -> tuple[Architecture | None, ModelConfig | None, MlError | None]:
    try:
        architecture = find_architecture(view)
        return architecture, architecture.read_config(view), None
    except MlError as problem:
        return None, None, problem


def _metadata(opened: Container) -> tuple[Mapping[str, object], list[Pair], list[str]]:
    """Metadata under GGUF's keys, the pairs that the file has or carries, and their order."""
    if isinstance(opened, GgufFile):
        return opened.metadata, opened.pairs(), list(opened.tensors)
    if isinstance(opened, AprFile):
        order = opened.document.get(ORDER, [])
        names = [str(name) for name in order] if isinstance(order, list) else []
        return opened.metadata, opened.pairs(), names
    file = opened
    if isinstance(opened, Checkpoint):
        file = next(iter(opened.files.values()))
    if not isinstance(file, SafetensorsFile) or CARRIED not in file.metadata:
        return opened.metadata, [], []
    values, pairs = read_carried(file.path, str(file.metadata[CARRIED]))
    order_text = str(file.metadata.get(ORDER, ""))
    decoded = {key: _decoded(value) for key, value in values.items()}
    metadata = opened.metadata if isinstance(opened, Checkpoint) else decoded
    return metadata, pairs, order_text.split("\n") if order_text else []


def _decoded(value: object) -> object:
    return value.decode() if isinstance(value, LazyArray | LazyText) else value


def _trusted(opened: Checkpoint, view: View, pairs: list[Pair], config: ModelConfig) -> list[Pair]:
    """The pairs that a checkpoint carries, where its config.json says the same of the pass."""
    if not pairs:
        return []
    file = next(iter(opened.files.values()))
    values, _ = read_carried(file.path, str(file.metadata[CARRIED]))
    carried = evolve(view, metadata={key: _decoded(value) for key, value in values.items()})
    if _config(carried)[1] == config:
        return pairs
    known = {one.key: one for one in _made(view)}
    kept = [one for one in pairs if not one.key.startswith(f"{config.architecture}.")]
    return list((known | {one.key: one for one in kept}).values())


def _with_vocabulary(view: View) -> tuple[list[Pair], tuple[str, ...]]:
    """Pairs for a file that carries none, with the vocabulary that lies beside it; and notes."""
    made = _made(view)
    embedding = view.tensors.get("token_embd.weight")
    if not made or embedding is None or not isinstance(view.inner, Checkpoint):
        return made, ()
    try:
        pairs = vocabulary_pairs(view.path, embedding.shape[0])
    except NotCarried as reason:
        return made, (f"without a vocabulary: {reason}",)
    notes = () if pairs else (f"without a vocabulary: there is no {FILE}",)
    return [*made, *pairs], notes


def _made(view: View) -> list[Pair]:
    """Pairs for a file that carries none: the keys that GGUF has, with the usual types."""
    keys = [key for key in view.metadata if not key.startswith(PREFIX) and "." in key]
    if "general.architecture" not in keys:
        return []
    pairs = [untyped(key, view.metadata[key]) for key in keys]
    if "general.name" not in keys:
        pairs.insert(1, untyped("general.name", view.path.stem))
    return pairs
