"""The contract of a container: a file, or several, with metadata and named tensors.

A container is opened with its whole header checked; tensor bytes are views of the mapped file and
cost nothing until they are touched. Nothing here decodes a number (that is `ml.quant_types`).
"""

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.errors import FileUnreadable
from ml.quant_types import QuantType

# The most tensors a header may list: 300 times a large model's, and yet some hundred megabytes.
MOST_TENSORS = 1 << 18


@frozen(kw_only=True)
class TensorInfo:
    """Where a tensor lies in the file, and how it is packed."""

    name: str
    shape: tuple[int, ...]
    """Outermost first, as numpy and tinygrad say it (GGUF stores it the other way round)."""
    quant_type: QuantType
    offset: int
    """Bytes from the start of the file."""
    size_bytes: int
    stored_as: str | None = None
    """Its name in the file, where that is another one (`model.norm.weight`)."""
    file: str | None = None
    """Name of the file that holds it, where the container has several."""

    @property
    def elements(self) -> int:
        """How many numbers the tensor holds."""
        count = 1
        for extent in self.shape:
            count *= extent
        return count


class Container(Protocol):
    """What every container gives."""

    @property
    def path(self) -> Path:
        """The file, or the folder of the files."""

    @property
    def format(self) -> str:
        """Name and version of the format, such as `gguf v3`."""

    @property
    def size_bytes(self) -> int:
        """Size of the file, or of all files with tensors."""

    @property
    def metadata(self) -> Mapping[str, object]:
        """Values by key; arrays are decoded when they are asked for."""

    @property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """Tensors by name, in file order."""

    def preview(self, key: str, most: int) -> tuple[object, int | None]:
        """Return a value and None; of an array its first `most` elements and how many it has.

        Costs what those elements take, however long the array is. KeyError if unknown.
        """

    def digest(self) -> str:
        """Return the SHA-256 in hex: of the file, or of `sha256sum`'s lines over several files."""

    def tensor_bytes(self, name: str) -> NDArray[np.uint8]:
        """Return a read-only view `uint8 [size_bytes]` of one tensor; KeyError if unknown."""


def is_there(path: Path) -> bool:
    """Whether a path leads somewhere; not where a folder on the way may not be searched."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder."""
    return is_there(path) and path.is_dir()


def map_file(path: Path) -> mmap.mmap:
    """Map a file for reading; raise `FileUnreadable` where there is no plain, non-empty file."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                raise FileUnreadable(f"{path} is empty", hint="give the path of a model file")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise FileUnreadable(
            f"cannot read {path}: {error.strerror}", hint="give the path of a model file"
        ) from error


def legible(text: str, most: int = 400) -> str:
    """Return text out of a file as a message can show it: short, and without control characters."""
    cut = text if len(text) <= most else text[:most] + "…"
    return cut if cut.isprintable() else cut.encode("unicode_escape").decode()


def shortened(value: object, most: int) -> tuple[object, int | None]:
    """Return a decoded value as `Container.preview` does."""
    if isinstance(value, tuple | list | np.ndarray):
        return tuple(value[:most]), len(value)
    return value, None
