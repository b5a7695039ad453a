"""The contract of a container: a file with metadata and named tensors.

A container is opened with its whole header checked; tensor bytes are views of the mapped file and
cost nothing until they are touched. Nothing here decodes a number (that is `ml.quant_types`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.quant_types import QuantType


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
        """The file."""

    @property
    def format(self) -> str:
        """Name and version of the format, such as `gguf v3`."""

    @property
    def size_bytes(self) -> int:
        """Size of the file."""

    @property
    def metadata(self) -> Mapping[str, object]:
        """Values by key; arrays are decoded when they are asked for."""

    @property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """Tensors by name, in file order."""

    def digest(self) -> str:
        """Return the SHA-256 of the whole file, in hex."""

    def tensor_bytes(self, name: str) -> NDArray[np.uint8]:
        """Return a read-only view `uint8 [size_bytes]` of one tensor; KeyError if unknown."""
