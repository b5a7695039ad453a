"""The containers, and opening a file by its first bytes."""

from collections.abc import Callable
from pathlib import Path

from ml.containers.base import Container, TensorInfo
from ml.containers.gguf import MAGIC, map_file, open_gguf
from ml.errors import UnknownContainer

__all__ = ["CONTAINERS", "Container", "TensorInfo", "open_container"]

# (first bytes, opener): one row a container.
CONTAINERS: tuple[tuple[bytes, Callable[[Path], Container]], ...] = ((MAGIC, open_gguf),)


def open_container(path: Path) -> Container:
    """Open a model file; the first bytes say which container it is.

    Raises `FileUnreadable`, `UnknownContainer`, or what the container raises.
    """
    head = map_file(path)[:16]
    for magic, opener in CONTAINERS:
        # A file shorter than its magic is a truncated one of its kind, not of an unknown kind.
        if head.startswith(magic) or magic.startswith(head):
            return opener(path)
    raise UnknownContainer(
        f"{path} begins with {head[:4]!r}, which no known container does",
        hint="give a GGUF file",
    )
