"""Kernels of engine `b` on the CPU: activations to Q8_K blocks, and their product with packed rows.

packed_products.c, next to this file, compiled by tinygrad's compiler and run among its kernels. In
plain tinygrad operations a product is a dozen kernels that write the unpacked weights out; here it
is one that reads each packed byte once. Whole-number sums are the same bit for bit; the products of
blocks are summed one after the other.
"""

from functools import cache
from pathlib import Path
from typing import Final

from attrs import define, field
from tinygrad import Device, Tensor, dtypes
from tinygrad.uop.ops import KernelInfo, Ops, ProgramInfo, UOp

#: By type of weight: the function of packed_products.c.
PRODUCTS: Final = {"Q4_K": "q4_k", "Q6_K": "q6_k"}
BLOCK: Final = 256
#: A block of activations: float32 d, sixteen sums of int16, 256 of int8.
BLOCK_BYTES: Final = 292
_SOURCE: Final = Path(__file__).with_name("packed_products.c")


@define
class PackedProducts:
    """Products on one CPU device; the last activations are kept, for q, k and v share them."""

    device: str
    _last: tuple[Tensor, Tensor] | None = field(default=None, repr=False)

    def product(self, kind: str, x: Tensor, packed: Tensor) -> Tensor:
        """Return `float32 [tokens, rows]`: activations `float32 [tokens, width]` times packed rows.

        `packed` is `uint8 [rows, row bytes]` of a type in `PRODUCTS`.
        """
        tokens, rows, row_bytes = int(x.shape[0]), int(packed.shape[0]), int(packed.shape[1])
        blocks = int(x.shape[1]) // BLOCK
        name = f"product_{kind.lower()}_{tokens}_{rows}_{blocks}"
        body = (
            f"void {name}(float* out, const unsigned char* w, const unsigned char* a) {{\n"
            f"  for (int r = 0; r < {rows}; r++)\n"
            f"    for (int t = 0; t < {tokens}; t++) {{\n"
            f"      float sum = 0.0f;\n"
            f"      for (int b = 0; b < {blocks}; b++)\n"
            f"        sum += {PRODUCTS[kind]}(w + (long)r * {row_bytes} + b * "
            f"{row_bytes // blocks}, a + ((long)t * {blocks} + b) * ACTIVATION);\n"
            f"      out[(long)t * {rows} + r] = sum;\n    }}\n}}\n"
        )
        out = Tensor.empty(tokens, rows, device=self.device)
        return self._run(name, body, out, packed, self._activations(x))

    def _activations(self, x: Tensor) -> Tensor:
        """Return Q8_K blocks, `uint8 [tokens, blocks, 292]`; the last ones where x is the same."""
        if self._last is not None and self._last[0] is x:
            return self._last[1]
        tokens, blocks = int(x.shape[0]), int(x.shape[1]) // BLOCK
        name = f"activations_q8_k_{tokens * blocks}"
        body = (
            f"void {name}(unsigned char* out, const float* x) {{\n"
            f"  for (int i = 0; i < {tokens * blocks}; i++)\n"
            f"    quantise(out + i * ACTIVATION, x + i * WIDTH);\n}}\n"
        )
        out = Tensor.empty(tokens, blocks, BLOCK_BYTES, dtype=dtypes.uint8, device=self.device)
        made = self._run(name, body, out, x.contiguous())
        self._last = (x, made)
        return made

    def _run(self, name: str, body: str, out: Tensor, *inputs: Tensor) -> Tensor:
        """Return the output of a kernel; it runs when it is realised."""

        def program(*slots: UOp) -> UOp:
            return _program(self.device, name, body, slots)

        return Tensor.custom_kernel(out, *inputs, fxn=program)[0]


def _program(device: str, name: str, body: str, slots: tuple[UOp, ...]) -> UOp:
    """Return a kernel as a node of the graph; `slots` stand for its buffers, output first."""
    info = ProgramInfo(
        name,
        (1, 1, 1),
        None,
        globals=tuple(range(len(slots))),
        outs=(0,),
        ins=tuple(range(1, len(slots))),
        target=Device[device].renderer.target,
    )
    sink = UOp.sink(*[slot.base for slot in slots], arg=KernelInfo(name=name))
    linear = UOp(Ops.LINEAR, src=(*sink.src, sink))
    source = f"{_source()}\n{body}"
    return UOp(Ops.PROGRAM, src=(sink, linear, UOp(Ops.SOURCE, arg=source)), arg=info)


@cache
def _source() -> str:
    return _SOURCE.read_text(encoding="utf-8")
