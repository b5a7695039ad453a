"""Statistics and sketch of captured values, computed on the device where the values are.

`ml.statistics` and `ml.sketch` state what is computed; this is the same in tinygrad, in float32.
Four kernels a point (sums, extremes, M2, sketch) and none of them touches the values themselves:
they read what the forward pass has already written.
"""

import numpy as np
from attrs import define, field
from tinygrad import Tensor, dtypes

from ml.sketch import LANES, lane_order

# Float32 by its bits, so that no optimiser's view of NaN matters.
_MAGNITUDE, _INFINITY, _NEGATIVE_INFINITY = 0x7FFFFFFF, 0x7F800000, 0xFF800000


@define
class DeviceRows:
    """Turns `[tokens, width]` into `[tokens, 74]` on one device; remembers the sketch's tables."""

    device: str
    _tables: dict[int, tuple[Tensor, Tensor]] = field(factory=dict)

    def table(self, width: int) -> tuple[Tensor, Tensor]:
        """Return channel and sign of each lane of each block (`ml.sketch.lane_order`)."""
        if width not in self._tables:
            channels, signs = lane_order(width)
            self._tables[width] = (
                Tensor(channels, device=self.device).realize(),
                Tensor(signs, device=self.device).realize(),
            )
        return self._tables[width]

    def rows(self, x: Tensor) -> Tensor:
        """Return `float32 [tokens, 74]` of a realised `float32 [tokens, width]`, not realised."""
        tokens, width = x.shape
        bits = x.bitcast(dtypes.uint32)
        magnitude = bits.bitwise_and(_MAGNITUDE)
        finite = magnitude < _INFINITY
        held = finite.where(x, 0.0)
        sums = _sums(bits, magnitude, finite, held)
        count, mean = sums[:, 0:1], sums[:, 1:2] / sums[:, 0:1].maximum(1.0)
        low = finite.where(x, float("inf"))
        high = finite.where(x, -float("inf"))
        extremes = Tensor.stack(-low, high, dim=1).max(2).contiguous()  # [tokens, 2]
        extremes = (count > 0).where(extremes, 0.0)
        distances = finite.where(x - mean, 0.0)
        m2 = (distances * distances).sum(1, keepdim=True).contiguous()
        channels, signs = self.table(width)
        lanes = (held[:, channels] * signs).reshape(tokens, -1, LANES).sum(1)
        lanes = (count == width).where(lanes, float("nan")).contiguous()  # [tokens, 64]
        return Tensor.cat(
            count,
            mean,
            m2,
            -extremes[:, 0:1],
            extremes[:, 1:2],
            sums[:, 2:],
            lanes,
            dim=1,
        ).contiguous()


def _sums(bits: Tensor, magnitude: Tensor, finite: Tensor, held: Tensor) -> Tensor:
    """Return count, sum, Σ|x| and the counts of NaN, +Inf, -Inf, zeros: `[tokens, 7]`."""
    return (
        Tensor.stack(
            finite.cast(dtypes.float32),
            held,
            held.abs(),
            (magnitude > _INFINITY).cast(dtypes.float32),
            (bits == _INFINITY).cast(dtypes.float32),
            (bits == _NEGATIVE_INFINITY).cast(dtypes.float32),
            (magnitude == 0).cast(dtypes.float32),
            dim=1,
        )
        .sum(2)
        .contiguous()
    )


def gather(parts: list[Tensor], at_once: int = 16) -> np.ndarray:
    """Concatenate flat float32 tensors on their device and copy them to the host, once.

    In groups: a kernel takes a bounded number of buffers (63 on the CPU).
    """
    while len(parts) > 1:
        groups = [parts[i : i + at_once] for i in range(0, len(parts), at_once)]
        parts = [
            Tensor.cat(*group).contiguous() if len(group) > 1 else group[0] for group in groups
        ]
        Tensor.realize(*parts)
    array: np.ndarray = parts[0].numpy()
    return array
