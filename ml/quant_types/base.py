"""The contract of a quant type: how GGML packs numbers into blocks, and how to unpack them.

Names and ids are GGML's (`enum ggml_type`). A decoder takes whole blocks as a `uint8` array
`[blocks, block_bytes]` and returns `float32 [blocks, block_size]`, bit for bit what GGML's
`dequantize_row_*` gives. A row without a decoder is a type whose extent in a file we can check,
but whose numbers we cannot read yet.
"""

from collections.abc import Callable

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

Decoder = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@frozen(kw_only=True)
class QuantType:
    """One row of the table."""

    name: str
    """GGML's spelling, such as `Q4_K`."""
    id: int
    """GGML's number, as GGUF stores it."""
    block_size: int
    """Elements in a block."""
    block_bytes: int
    """Bytes of a block."""
    decode: Decoder | None = field(default=None, repr=False)
    """Unpacks whole blocks; None where this version cannot."""

    def size_bytes(self, elements: int) -> int:
        """Return the bytes that `elements` numbers take; `elements` must fill whole blocks."""
        blocks, rest = divmod(elements, self.block_size)
        if rest:
            raise ValueError(f"{elements} elements do not fill {self.name} blocks")
        return blocks * self.block_bytes
