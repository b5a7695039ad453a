"""One tensor on its way from one type to another, piece by piece, and what is lost on it."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from attrs import define, frozen
from numpy.typing import NDArray

from ml import quant_types
from ml.containers.dtypes import NUMPY_TYPES
from ml.errors import BadConversion
from ml.quant_types import QuantType
from ml.quantise import Quantiser, encode

#: Numbers that are on their way at a time: 8 MB as float32, some 60 MB with what a search holds.
PIECE: Final = 1 << 21
#: ggml's limit is 0.002 for sqrt(sum of squares) / n, over n = 4096 numbers 0.1 + 2·cos(i): a root
#: mean square error of 0.128, where the numbers have one of 1.4177. So this share of theirs.
LARGEST_SHARE: Final = 0.002 * math.sqrt(4096) / math.sqrt(0.1**2 + 2.0)


@frozen(kw_only=True)
class RoundTrip:
    """How far the numbers of a tensor are from what they were."""

    rms: float
    """Root of the mean square of the differences."""
    share: float
    """`rms` over the root mean square of the numbers themselves; 0 where these are all zero."""
    largest: float
    """Largest difference."""

    @property
    def is_over(self) -> bool:
        """Whether it is more than what ggml's own test allows for types of four to eight bits."""
        return self.share > LARGEST_SHARE


@define
class Repacking:
    """Makes the bytes of one tensor, and sums up what is lost."""

    name: str
    kind: QuantType
    data: NDArray[np.uint8]
    elements: int
    quantiser: Quantiser
    pool: ThreadPoolExecutor | None
    square: float = 0.0
    square_of_difference: float = 0.0
    largest: float = 0.0

    def pieces(self) -> Iterator[memoryview]:
        """Yield the bytes; raise `BadConversion` for numbers that the type cannot hold."""
        target = self.quantiser.quant_type
        step = math.lcm(self.kind.block_size, target.block_size)
        step *= max(1, PIECE // step)
        for start in range(0, self.elements, step):
            numbers = self._decode(start, min(start + step, self.elements))
            if target.block_size > 1 and not np.isfinite(numbers).all():
                raise self._refuse("holds NaN or an infinity", "`ledger run validate` says where")
            packed = encode(self.quantiser, numbers, self.pool)
            back = quant_types.decode(target, packed, (len(numbers),), tensor=self.name)
            self._sum(numbers, back)
            yield packed.data

    def _decode(self, start: int, stop: int) -> NDArray[np.float32]:
        piece = self.data[self.kind.size_bytes(start) : self.kind.size_bytes(stop)]
        if self.kind.name in NUMPY_TYPES:
            with np.errstate(over="ignore"):
                return np.frombuffer(piece, NUMPY_TYPES[self.kind.name]).astype(np.float32)
        return quant_types.decode(self.kind, piece, (stop - start,), tensor=self.name)

    def _sum(self, numbers: NDArray[np.float32], back: NDArray[np.float32]) -> None:
        if (np.isfinite(back) != np.isfinite(numbers)).any():
            raise self._refuse("holds numbers too large for the type", "give --to f32 or bf16")
        with np.errstate(invalid="ignore"):
            difference = (back - numbers)[np.isfinite(numbers)].astype(np.float64)
        finite = numbers[np.isfinite(numbers)].astype(np.float64)
        self.square += float(finite @ finite)
        self.square_of_difference += float(difference @ difference)
        self.largest = max(self.largest, float(np.abs(difference).max(initial=0.0)))

    def _refuse(self, why: str, hint: str) -> BadConversion:
        kind = self.quantiser.name
        return BadConversion(f"{self.name} {why}, and cannot become {kind}", hint=hint)

    def result(self) -> RoundTrip:
        """Return the error, once all pieces are made."""
        rms = math.sqrt(self.square_of_difference / self.elements)
        own = math.sqrt(self.square / self.elements)
        return RoundTrip(rms=rms, share=rms / own if own else 0.0, largest=self.largest)
