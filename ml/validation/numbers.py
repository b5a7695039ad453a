"""The numbers of every tensor, decoded piece by piece: NaN, infinities, tensors of nothing."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml import quant_types
from ml.containers import TensorInfo
from ml.containers.dtypes import NUMPY_TYPES
from ml.validation.base import Examined, Finding, NotApplicable

#: Numbers decoded at a time.
PIECE: Final = 1 << 21


@frozen(kw_only=True)
class Counted:
    """What was found in one tensor."""

    tensor: TensorInfo
    nonfinite: int
    first: int
    """Element that is the first of those; 0 where there is none."""
    is_zero: bool


def count(examined: Examined) -> tuple[list[Counted], list[TensorInfo]]:
    """Return what each tensor holds, and those that cannot be decoded."""
    counted: list[Counted] = []
    unread: list[TensorInfo] = []
    tensors = list(examined.container.tensors.values())
    for done, tensor in enumerate(tensors):
        examined.progress(done, len(tensors))
        if tensor.quant_type.decode is None and tensor.quant_type.name not in NUMPY_TYPES:
            unread.append(tensor)
        else:
            counted.append(_count(tensor, examined.container.tensor_bytes(tensor.name)))
    return counted, unread


def _count(tensor: TensorInfo, data: NDArray[np.uint8]) -> Counted:
    kind, step = tensor.quant_type, tensor.quant_type.block_size
    step *= max(1, PIECE // step)
    nonfinite, first, is_zero = 0, 0, True
    for start in range(0, tensor.elements, step):
        stop = min(start + step, tensor.elements)
        piece = data[kind.size_bytes(start) : kind.size_bytes(stop)]
        if kind.name in NUMPY_TYPES:
            numbers = np.frombuffer(piece, NUMPY_TYPES[kind.name])
        else:
            numbers = quant_types.decode(kind, piece, (stop - start,), tensor=tensor.name)
        bad = ~np.isfinite(numbers)
        if not nonfinite and bad.any():
            first = start + int(np.argmax(bad))
        nonfinite += int(np.count_nonzero(bad))
        is_zero = is_zero and not numbers.any()
    return Counted(tensor=tensor, nonfinite=nonfinite, first=first, is_zero=is_zero)


def offset_of(tensor: TensorInfo, element: int) -> int:
    """Return the byte of the file where the block of an element begins."""
    blocks = element // tensor.quant_type.block_size
    return tensor.offset + blocks * tensor.quant_type.block_bytes


def nonfinite(counted: list[Counted]) -> Iterator[Finding]:
    """No weight is NaN or infinite."""
    for one in counted:
        if one.nonfinite:
            detail = f"{one.nonfinite} of {one.tensor.elements} are NaN or infinite"
            at = offset_of(one.tensor, one.first)
            yield Finding(detail=detail, where=one.tensor.name, offset=at)


def zeros(counted: list[Counted]) -> Iterator[Finding]:
    """No tensor but a bias is zero throughout."""
    for one in counted:
        if one.is_zero and not one.tensor.name.endswith(".bias"):
            yield Finding(
                detail="every number is zero", where=one.tensor.name, offset=one.tensor.offset
            )


def unreadable(unread: list[TensorInfo]) -> Iterator[Finding]:
    """Raise `NotApplicable` for types whose numbers this version cannot read."""
    if unread:
        kinds = ", ".join(sorted({one.quant_type.name for one in unread}))
        raise NotApplicable(f"{len(unread)} tensors of {kinds} cannot be decoded")
    yield from ()
