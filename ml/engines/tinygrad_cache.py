"""Keys and values of one layer, in buffers on the device: made once, written in place."""

from attrs import field, frozen
from tinygrad import Tensor, dtypes
from tinygrad.dtype import DType


@frozen
class Cache:
    """The cache of one layer: `[capacity, kv_heads * head_dim]` each, zeros where nothing is."""

    keys: Tensor = field(repr=False)
    values: Tensor = field(repr=False)

    @classmethod
    def empty(cls, capacity: int, width: int, dtype: DType, device: str) -> "Cache":
        """Return a cache with its buffers on the device."""
        made = [
            Tensor.zeros(capacity, width, dtype=dtype, device=device).contiguous().realize()
            for _ in range(2)
        ]
        return cls(*made)

    def write(self, position: Tensor, k: Tensor, v: Tensor) -> None:
        """Put one token's `[1, width]` at a position, `int32 [1]` on the device.

        The whole buffer is written, each number from the same place or from the new row: the kernel
        is the same for every position, so that a step can be replayed.
        """
        capacity = self.keys.shape[0]
        here = Tensor.arange(capacity).reshape(capacity, 1) == position.reshape(1, 1)
        for buffer, new in ((self.keys, k), (self.values, v)):
            buffer.assign(here.where(new.cast(buffer.dtype), buffer))
        Tensor.realize(self.keys, self.values)

    def widened(self) -> tuple[Tensor, Tensor]:
        """Return all of it as float32; positions that nothing was put at are zeros."""
        return self.keys.cast(dtypes.float32), self.values.cast(dtypes.float32)
