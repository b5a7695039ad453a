"""The containers, and opening a file by its first bytes, or a folder."""

from collections.abc import Callable
from pathlib import Path

from ml.containers.apr import is_apr, open_apr
from ml.containers.base import Container, TensorInfo, is_folder, map_file
from ml.containers.checkpoint import is_checkpoint, open_checkpoint
from ml.containers.gguf import is_gguf, open_gguf
from ml.containers.names import canonical_name
from ml.containers.safetensors import is_safetensors, open_safetensors
from ml.errors import UnknownContainer

__all__ = ["CONTAINERS", "Container", "TensorInfo", "canonical_name", "open_container"]

# (whether a path and its first bytes are one, opener): one row a container, asked in this order.
CONTAINERS: tuple[tuple[Callable[[Path, bytes], bool], Callable[[Path], Container]], ...] = (
    (is_gguf, open_gguf),
    (is_apr, open_apr),
    (is_checkpoint, open_checkpoint),
    (is_safetensors, open_safetensors),
)


def open_container(path: Path) -> Container:
    """Open a model: the first bytes of a file say which container it is; a folder is a checkpoint.

    Raises `FileUnreadable`, `UnknownContainer`, or what the container raises.
    """
    head = b"" if is_folder(path) else map_file(path)[:16]
    for recognises, opener in CONTAINERS:
        if recognises(path, head):
            return opener(path)
    raise UnknownContainer(
        f"{path} begins with {head[:4]!r}, which no known container does",
        hint="give a GGUF, APR or safetensors file, or the folder of a Hugging Face checkpoint",
    )
