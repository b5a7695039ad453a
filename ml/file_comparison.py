"""Two model files, tensor by tensor: bytes first, then the numbers that they stand for.

Tensors meet by their canonical names (`ml.containers.names`), whatever the containers. Where type
and shape are equal, bytes are compared; where the bytes or the types differ, both are decoded and
the numbers compared in float64. Everything goes through in pieces, so that memory does not grow
with the tensors.

Where one file has the rows of q and k permuted, as Llama's GGUF files have, and the other has not,
they are brought into one order first. Equal tensors do not make equal models: what the files say of
the pass (rotation, norms, heads) is compared as well.
"""

import fnmatch
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, get_args

import numpy as np
from attrs import asdict, frozen
from numpy.typing import NDArray

from ml import quant_types
from ml.architectures import ModelConfig, find_architecture, is_permuted_file
from ml.architectures.row_order import is_permuted, unpermute
from ml.containers import Container, TensorInfo, canonical_name
from ml.containers.dtypes import NUMPY_TYPES
from ml.errors import MlError

Progress = Callable[[int, int], None]
Result = Literal["equal", "equal values", "differs", "shape", "not decoded", "only a", "only b"]

#: In the order in which they are told.
RESULTS: Final[tuple[Result, ...]] = get_args(Result)
#: Elements decoded at a time, about: whole blocks of both types.
_PIECE: Final = 1 << 18
_PIECE_BYTES: Final = 1 << 22


@frozen(kw_only=True)
class NumberDifference:
    """How far apart the decoded numbers of two tensors are, over those that are finite in both."""

    largest: float
    """Largest |a - b|."""
    rms: float
    """Root of the mean square of a - b."""
    rms_a: float
    """Root of the mean square of a."""
    nonfinite: int
    """Elements that are NaN or infinite in one and not the same in the other."""


@frozen(kw_only=True)
class TensorPair:
    """A name, what each file has under it, and how the two compare."""

    name: str
    a: TensorInfo | None
    b: TensorInfo | None
    result: Result
    first_offset: int | None = None
    """First byte of the tensor that differs, from its beginning; None unless bytes compare."""
    differing_bytes: int | None = None
    """How many bytes differ; None unless bytes compare."""
    numbers: NumberDifference | None = None
    """None where the bytes are equal, or something could not be decoded."""
    note: str = ""
    """What is in the way of comparing numbers."""


def select(container: Container, pattern: str) -> dict[str, str]:
    """Return canonical name -> the container's name, of the tensors whose name fits a glob."""
    named: dict[str, str] = {}
    for own in container.tensors:
        name = canonical_name(own)
        # A file may hold both names: then each keeps its own.
        named[name if name == own or name not in container.tensors else own] = own
    return {name: own for name, own in named.items() if fnmatch.fnmatchcase(name, pattern)}


@frozen(kw_only=True)
class ConfigDifference:
    """One knob of the forward pass that the files set differently."""

    name: str
    """Field of `ml.architectures.ModelConfig`."""
    a: object
    b: object


def config_differences(a: Container, b: Container) -> tuple[ConfigDifference, ...] | None:
    """Return the knobs that differ; None where a file is no whole model of a known architecture."""
    config_a, config_b = _Side.of(a).config, _Side.of(b).config
    if config_a is None or config_b is None:
        return None
    left, right = asdict(config_a, recurse=False), asdict(config_b, recurse=False)
    return tuple(
        ConfigDifference(name=name, a=left[name], b=right[name])
        for name in left
        if left[name] != right[name]
    )


@frozen(kw_only=True)
class _Side:
    """A file, and what its architecture says of it where it has a known one."""

    container: Container
    config: ModelConfig | None
    is_permuted: bool

    @classmethod
    def of(cls, container: Container) -> "_Side":
        try:
            architecture = find_architecture(container)
            config = architecture.read_config(container)
        except MlError:  # any file of tensors can be compared
            return cls(container=container, config=None, is_permuted=False)
        permuted = is_permuted_file(container, architecture)
        return cls(container=container, config=config, is_permuted=permuted)

    def bytes_of(self, name: str, own: str, other: "_Side") -> NDArray[np.uint8]:
        """The bytes of a tensor, its rows in the order that the other side has them in."""
        data = self.container.tensor_bytes(own)
        if self.config is None or self.is_permuted <= other.is_permuted or not is_permuted(name):
            return data
        return unpermute(data, self.container.tensors[own].shape[0], self.config.head_dim)


def compare_files(
    a: Container, b: Container, *, pattern: str = "*", progress: Progress | None = None
) -> Iterator[TensorPair]:
    """Yield each tensor of either file, in the order of `a`, then what only `b` has."""
    names_a, names_b = select(a, pattern), select(b, pattern)
    sides = _Side.of(a), _Side.of(b)
    for done, (name, own) in enumerate(names_a.items()):
        if progress is not None:
            progress(done, len(names_a))
        if name in names_b:
            yield _compare(name, sides[0], own, sides[1], names_b[name])
        else:
            yield TensorPair(name=name, a=a.tensors[own], b=None, result="only a")
    for name, own in names_b.items():
        if name not in names_a:
            yield TensorPair(name=name, a=None, b=b.tensors[own], result="only b")


def _compare(name: str, a: _Side, name_a: str, b: _Side, name_b: str) -> TensorPair:
    info_a, info_b = a.container.tensors[name_a], b.container.tensors[name_b]
    if info_a.shape != info_b.shape:
        return TensorPair(name=name, a=info_a, b=info_b, result="shape")
    bytes_a, bytes_b = a.bytes_of(name, name_a, b), b.bytes_of(name, name_b, a)
    first, count = None, None
    if info_a.quant_type == info_b.quant_type:
        first, count = _compare_bytes(bytes_a, bytes_b)
        if first is None:
            return TensorPair(name=name, a=info_a, b=info_b, result="equal", differing_bytes=0)
    kinds = (info_a.quant_type, info_b.quant_type)
    unread = sorted({kind.name for kind in kinds if not _is_decoded(kind)})
    numbers = None if unread else _compare_numbers(info_a, bytes_a, info_b, bytes_b)
    return TensorPair(
        name=name,
        a=info_a,
        b=info_b,
        result=_result(numbers),
        first_offset=first,
        differing_bytes=count,
        numbers=numbers,
        note=f"{' and '.join(unread)} cannot be decoded" if unread else "",
    )


def _result(numbers: NumberDifference | None) -> Result:
    if numbers is None:
        return "not decoded"
    return "equal values" if numbers.largest == 0 and not numbers.nonfinite else "differs"


def _compare_bytes(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[int | None, int]:
    """Offset of the first byte that differs, None where none does; and how many do."""
    first, count = None, 0
    for start in range(0, len(a), _PIECE_BYTES):
        differs = a[start : start + _PIECE_BYTES] != b[start : start + _PIECE_BYTES]
        found = int(np.count_nonzero(differs))
        if found and first is None:
            first = start + int(np.argmax(differs))
        count += found
    return first, count


def _compare_numbers(
    info_a: TensorInfo, a: NDArray[np.uint8], info_b: TensorInfo, b: NDArray[np.uint8]
) -> NumberDifference:
    """Decode both piece by piece and sum up in float64."""
    largest, square, square_a = 0.0, 0.0, 0.0
    compared = nonfinite = 0
    whole = math.lcm(info_a.quant_type.block_size, info_b.quant_type.block_size)
    step = whole * max(1, _PIECE // whole)
    with np.errstate(all="ignore"):
        for start in range(0, info_a.elements, step):
            stop = min(start + step, info_a.elements)
            x, y = _decode(info_a, a, start, stop), _decode(info_b, b, start, stop)
            finite = np.isfinite(x) & np.isfinite(y)
            same = (x == y) | (np.isnan(x) & np.isnan(y))
            nonfinite += int(np.count_nonzero(~finite & ~same))
            x, y = x[finite], y[finite]
            difference = x - y
            largest = max(largest, float(np.abs(difference).max(initial=0.0)))
            square += float(difference @ difference)
            square_a += float(x @ x)
            compared += len(x)
    count = max(compared, 1)
    return NumberDifference(
        largest=largest,
        rms=float(np.sqrt(square / count)),
        rms_a=float(np.sqrt(square_a / count)),
        nonfinite=nonfinite,
    )


def _is_decoded(kind: quant_types.QuantType) -> bool:
    return kind.name in NUMPY_TYPES or kind.decode is not None


def _decode(
    info: TensorInfo, data: NDArray[np.uint8], start: int, stop: int
) -> NDArray[np.float64]:
    """Elements from `start` to `stop`, both at the edge of a block, as `float64 [stop - start]`."""
    kind = info.quant_type
    piece = data[kind.size_bytes(start) : kind.size_bytes(stop)]
    if kind.name in NUMPY_TYPES:
        return np.frombuffer(piece, NUMPY_TYPES[kind.name]).astype(np.float64)
    decoded = quant_types.decode(kind, piece, (stop - start,), tensor=info.name)
    return decoded.astype(np.float64)


def count_results(pairs: Sequence[TensorPair]) -> dict[Result, int]:
    """How many tensors came to each result, in the order of `RESULTS`."""
    found = [pair.result for pair in pairs]
    return {result: found.count(result) for result in RESULTS if result in found}
