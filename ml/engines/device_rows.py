"""Statistics and sketch of captured values, computed on the device where the values are.

`ml.statistics` and `ml.sketch` state what is computed. One kernel of our own does it for all values
that a layer has captured (row_statistics.c on the CPU, row_statistics.cu on a card), and none
touches the values themselves: it reads what the forward pass has already written. In plain tinygrad
operations it was five kernels a point, which cost a card more than the pass itself.
"""

import itertools
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from attrs import define, field
from tinygrad import Device, Tensor
from tinygrad.uop.ops import KernelInfo, Ops, ProgramInfo, UOp

from ml.rows import COLUMNS
from ml.sketch import LANES, channel_lanes, channel_signs

#: Values a kernel takes: the CPU device hands over 63 buffers, three of them are ours.
AT_ONCE: Final = 56
_THREADS: Final = 256
_HERE: Final = Path(__file__).parent


@define
class DeviceRows:
    """Turns values `[tokens, width]` into rows `[tokens, 74]` on one device."""

    device: str
    _tables: dict[int, tuple[Tensor, Tensor]] = field(factory=dict)

    def rows(self, values: Sequence[Tensor]) -> list[Tensor]:
        """Return `float32 [values, tokens, 74]`, in as few realised pieces as it takes.

        Values are realised `float32 [tokens, width]`, with one number of tokens.
        """
        pieces = [values[i : i + AT_ONCE] for i in range(0, len(values), AT_ONCE)]
        return [self._piece(piece) for piece in pieces]

    def _piece(self, values: Sequence[Tensor]) -> Tensor:
        tokens = int(values[0].shape[0])
        widths = tuple(int(value.shape[1]) for value in values)
        signs, turns = self._table(max(widths))
        out = Tensor.empty(len(values), tokens, COLUMNS, device=self.device)

        def program(*slots: UOp) -> UOp:
            return _program(self.device, widths, tokens, slots)

        return Tensor.custom_kernel(out, signs, turns, *values, fxn=program)[0].realize()

    def _table(self, width: int) -> tuple[Tensor, Tensor]:
        """Return the sign of each channel, and how far each block of 64 is turned."""
        blocks = -(-width // LANES)
        if blocks not in self._tables:
            turns = channel_lanes(blocks * LANES)[::LANES].astype(np.int32)
            self._tables[blocks] = (
                Tensor(np.array(channel_signs(blocks * LANES)), device=self.device).realize(),
                Tensor(turns, device=self.device).realize(),
            )
        return self._tables[blocks]


def _program(device: str, widths: tuple[int, ...], tokens: int, slots: tuple[UOp, ...]) -> UOp:
    """Return our kernel as a node of tinygrad's graph; `slots` stand for its buffers, in order."""
    opened = Device[device]
    is_card = device.startswith("CUDA")
    runs = ((width, len(list(run))) for width, run in itertools.groupby(widths))
    shape = "_".join(f"{width}x{count}" for width, count in runs)
    name = f"row_statistics_{tokens}_of_{shape}"
    source = (_cuda if is_card else _c)(name, widths, tokens)
    info = ProgramInfo(
        name,
        (tokens, len(widths), 1) if is_card else (1, 1, 1),
        (_THREADS, 1, 1) if is_card else None,
        globals=tuple(range(len(slots))),
        outs=(0,),
        ins=tuple(range(1, len(slots))),
        target=opened.renderer.target,
    )
    sink = UOp.sink(*[slot.base for slot in slots], arg=KernelInfo(name=name))
    linear = UOp(Ops.LINEAR, src=(*sink.src, sink))
    return UOp(Ops.PROGRAM, src=(sink, linear, UOp(Ops.SOURCE, arg=source)), arg=info)


def _c(name: str, widths: tuple[int, ...], tokens: int) -> str:
    """Return C source: every row of every value, one after the other."""
    inputs = "".join(f", const float* x{i}" for i in range(len(widths)))
    loops = "".join(
        f"  for (int t = 0; t < {tokens}; t++)\n"
        f"    row(out + ({i} * {tokens} + t) * COLUMNS, signs, turns,"
        f" x{i} + t * {width}, {width});\n"
        for i, width in enumerate(widths)
    )
    head = f"void {name}(float* out, const float* signs, const int* turns{inputs}) {{\n"
    return f"{_source('row_statistics.c')}\n{head}{loops}}}\n"


def _cuda(name: str, widths: tuple[int, ...], tokens: int) -> str:
    """Return CUDA source: block (t, i) takes row t of value i."""
    inputs = "".join(f", const float* x{i}" for i in range(len(widths)))
    every = ", ".join(f"x{i}" for i in range(len(widths)))
    sizes = ", ".join(map(str, widths))
    return (
        f"{_source('row_statistics.cu')}\n"
        f'extern "C" __global__ void __launch_bounds__({_THREADS})\n'
        f"{name}(float* out, const float* signs, const int* turns{inputs}) {{\n"
        f"  const float* values[] = {{{every}}};\n  const int widths[] = {{{sizes}}};\n"
        f"  int t = blockIdx.x, i = blockIdx.y;\n"
        f"  row(out + ((long)i * {tokens} + t) * COLUMNS, signs, turns,\n"
        f"      values[i] + (long)t * widths[i], widths[i]);\n}}\n"
    )


@cache
def _source(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def gather(parts: list[Tensor]) -> np.ndarray:
    """Concatenate flat float32 tensors on their device and copy them to the host, once."""
    array: np.ndarray = joined(parts).numpy()
    return array


def joined(parts: list[Tensor], at_once: int = 16) -> Tensor:
    """Concatenate flat float32 tensors on their device; of one tensor, return itself, realised.

    In groups: a kernel takes a bounded number of buffers (63 on the CPU).
    """
    while len(parts) > 1:
        groups = [parts[i : i + at_once] for i in range(0, len(parts), at_once)]
        parts = [
            Tensor.cat(*group).contiguous() if len(group) > 1 else group[0] for group in groups
        ]
        Tensor.realize(*parts)
    return parts[0].realize()
