"""The forward pass in tinygrad, layer by layer, every point materialised.

The engines that compute with tinygrad share it: norms, rotation, attention, captured values and
their rows. What a product with a weight is, each engine says by itself (`Weights`), so nothing that
decodes or unpacks weights is shared.

Every point that is not derived is made contiguous whether it is captured or not. So a captured
value is always one that the pass has written anyway: what is captured, and whether statistics are
taken of it, changes no number of the pass ("plain" and traced logits are bit-equal).

Layers are realised one at a time: they are the same graph over other buffers, so tinygrad schedules
the first and finds the rest in its cache. Rows of all points stay on the device until the end.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from attrs import define, field
from numpy.typing import NDArray
from tinygrad import Tensor, dtypes

from ml import points, rope
from ml.devices import grammar_name
from ml.engines.base import Capture, EngineResult, Request
from ml.engines.device_rows import DeviceRows, gather
from ml.rows import COLUMNS
from ml.tinygrad_devices import fixed_settings

_CACHE_DTYPES = {"f32": dtypes.float32, "f16": dtypes.float16}


class Weights(Protocol):
    """What an engine gives: its weights on the device, by the names of the file."""

    def embed(self, name: str, ids: Tensor) -> Tensor:
        """Return the rows of a matrix, `float32 [ids, width]`."""

    def vector(self, name: str) -> Tensor:
        """Return a norm's or a bias's weight, `float32 [width]`."""

    def project(self, name: str, x: Tensor) -> Tensor:
        """Return activations `float32 [tokens, in]` times a weight: `[tokens, out]`."""


def run(request: Request, load: Callable[[Request, str], Weights]) -> EngineResult:
    """Compute one forward pass on the request's device, with the weights that `load` gives."""
    device = request.device.tinygrad_name
    if device is None:
        raise ValueError("this pass needs a tinygrad device")  # a bug of the caller, not bad input
    with fixed_settings(device):
        return _Pass(request, device, load(request, device)).result()


@define
class _Seen:
    """A captured value, still on the device."""

    point: points.Point
    layer: int | None
    width: int
    value: Tensor | None
    rows: Tensor | None = None


@define
class _Pass:
    """One pass: weights on the device, and what was captured so far."""

    request: Request
    device: str
    weights: Weights
    seen: list[_Seen] = field(factory=list)
    pending: list[Tensor] = field(factory=list)

    def result(self) -> EngineResult:
        """Run, and copy everything that leaves the device in one piece."""
        logits = self.forward()
        observed = _device_of(logits)
        parts = [seen.rows.flatten() for seen in self.seen if seen.rows is not None]
        if self.request.keep_tensors:
            parts += [seen.value.flatten() for seen in self.seen if seen.value is not None]
        host = gather([*parts, logits[-1].contiguous().realize()])
        return EngineResult(
            captures=tuple(self.captures(host)),
            logits=host[-self.request.model.config.vocabulary :].copy(),
            device=observed,
        )

    def captures(self, host: NDArray[np.float32]) -> list[Capture]:
        """Cut the one array from the device into the captures it was joined from."""
        tokens, request, offset = len(self.request.ids), self.request, 0
        rows: list[NDArray[np.float32] | None] = [None] * len(self.seen)
        tensors = rows.copy()
        if request.statistics:
            for i in range(len(self.seen)):
                rows[i] = host[offset : offset + tokens * COLUMNS].reshape(tokens, COLUMNS)
                offset += tokens * COLUMNS
        if request.keep_tensors:
            for i, seen in enumerate(self.seen):
                size = tokens * seen.width
                tensors[i] = host[offset : offset + size].reshape(tokens, -1)
                offset += size
        return [
            Capture(point=seen.point, layer=seen.layer, width=seen.width, rows=r, tensor=t)
            for seen, r, t in zip(self.seen, rows, tensors, strict=True)
        ]

    def point(self, name: str, layer: int | None, value: Tensor) -> Tensor:
        """Materialise a value `[tokens, width]`, note it if asked for, and return it."""
        derived, wanted = points.BY_ID[name].derived, name in self.request.points
        if derived and not wanted:
            return value
        written = value.contiguous()
        self.pending.append(written)
        if wanted:
            self.seen.append(_Seen(points.BY_ID[name], layer, int(written.shape[1]), written))
        return written

    def settle(self, rows: DeviceRows) -> None:
        """Realise what is pending, then the rows of what was captured among it."""
        Tensor.realize(*self.pending)
        self.pending.clear()
        fresh = [seen for seen in self.seen if seen.rows is None and self.request.statistics]
        for seen in fresh:
            seen.rows = rows.rows(seen.value)
        if fresh:
            Tensor.realize(*(seen.rows for seen in fresh))
        if not self.request.keep_tensors:
            for seen in self.seen:
                seen.value = None  # a long model must not hold every activation to the end

    def forward(self) -> Tensor:
        """Return the logits of all tokens, `[tokens, vocabulary]`, realised."""
        request, config = self.request, self.request.model.config
        rows = DeviceRows(self.device)
        ids = Tensor(np.array(request.ids, dtype=np.int32), device=self.device).realize()
        positions = np.arange(len(request.ids), dtype=np.int64)
        tables = rope.tables(positions, config.head_dim, config.rope_theta)
        cos, sin = (Tensor(table, device=self.device).realize() for table in tables)
        x = self.point("embedding", None, self.weights.embed("token_embd.weight", ids))
        self.settle(rows)
        for layer in range(config.layers):
            request.report("layer", layer, config.layers)
            x = self.attention(layer, x, cos, sin)
            x = self.feed_forward(layer, x)
            self.settle(rows)
        normed = self.point("final_norm", None, self.norm(x, "output_norm.weight"))
        product = self.weights.project(request.model.output_tensor, normed)
        logits = self.point("logits", None, product)
        self.settle(rows)
        request.report("layer", config.layers, config.layers)
        return logits

    def norm(self, x: Tensor, name: str) -> Tensor:
        """Return x / sqrt(mean(x²) + epsilon) · weight, row by row."""
        epsilon = self.request.model.config.norm_epsilon
        scale = ((x * x).mean(axis=1, keepdim=True) + epsilon).rsqrt()
        return x * scale * self.weights.vector(name)

    def attention(self, layer: int, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the residual stream after attention, `[tokens, hidden]`."""
        config, block = self.request.model.config, f"blk.{layer}."
        normed = self.point("attn_norm", layer, self.norm(x, block + "attn_norm.weight"))
        raw, biased = {}, {}
        for name in "qkv":
            product = self.weights.project(f"{block}attn_{name}.weight", normed)
            raw[name] = self.point(f"{name}_matmul", layer, product)
        for name in "qkv":
            shifted = raw[name] + self.weights.vector(f"{block}attn_{name}.bias")
            biased[name] = self.point(f"{name}_bias", layer, shifted)
        self.point("qkv", layer, Tensor.cat(*(biased[name] for name in "qkv"), dim=1))
        q = self.point("q_rope", layer, rotate(biased["q"], cos, sin))
        k = self.point("k_rope", layer, rotate(biased["k"], cos, sin))
        cache = _CACHE_DTYPES[self.request.kv]
        # Written out, as a cache is: tinygrad folds a cast to f16 and back into nothing.
        k, v = (t.cast(cache).contiguous().cast(dtypes.float32) for t in (k, biased["v"]))
        mixed = self.point("attn_mix", layer, attend(q, k, v, config.head_dim))
        product = self.weights.project(block + "attn_output.weight", mixed)
        out = self.point("attn_out", layer, product)
        return self.point("attn_residual", layer, x + out)

    def feed_forward(self, layer: int, x: Tensor) -> Tensor:
        """Return the residual stream after the feed-forward, `[tokens, hidden]`."""
        block, project = f"blk.{layer}.", self.weights.project
        normed = self.point("ffn_norm", layer, self.norm(x, block + "ffn_norm.weight"))
        gate = self.point("ffn_gate", layer, project(block + "ffn_gate.weight", normed))
        up = self.point("ffn_up", layer, project(block + "ffn_up.weight", normed))
        self.point("ffn_silu", layer, gate.silu())
        product = self.point("ffn_swigl", layer, gate.silu() * up)
        out = self.point("ffn_out", layer, project(block + "ffn_down.weight", product))
        return self.point("output", layer, x + out)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply RoPE to `[tokens, heads * head_dim]`; cos and sin are `[tokens, head_dim / 2]`."""
    tokens, width = x.shape
    half = int(cos.shape[1])
    heads = x.reshape(tokens, width // (2 * half), 2, half)
    first, second = heads[:, :, 0], heads[:, :, 1]  # [tokens, heads, half]
    c, s = cos.reshape(tokens, 1, half), sin.reshape(tokens, 1, half)
    turned = Tensor.stack(first * c - second * s, second * c + first * s, dim=2)
    return turned.reshape(tokens, width)


def attend(q: Tensor, k: Tensor, v: Tensor, head_dim: int) -> Tensor:
    """Return the values mixed by causal attention, `[tokens, heads * head_dim]`.

    Query heads are grouped by the kv head they share: head h reads h // (heads / kv_heads).
    """
    tokens = q.shape[0]
    heads, kv_heads = q.shape[1] // head_dim, k.shape[1] // head_dim
    group = heads // kv_heads
    q = q.reshape(tokens, kv_heads, group, head_dim).permute(1, 2, 0, 3)
    k = k.reshape(tokens, kv_heads, 1, head_dim).permute(1, 2, 3, 0)
    v = v.reshape(tokens, kv_heads, 1, head_dim).permute(1, 2, 0, 3)
    scores = (q @ k) * head_dim**-0.5  # [kv_heads, group, tokens, tokens]
    rows = Tensor.arange(tokens)
    causal = rows.reshape(tokens, 1) >= rows.reshape(1, tokens)
    weights = causal.where(scores, -float("inf")).softmax(-1)
    return (weights @ v).permute(2, 0, 1, 3).reshape(tokens, heads * head_dim)


def _device_of(tensor: Tensor) -> str:
    """Return the device that holds a realised tensor's buffer, in our grammar."""
    return grammar_name(tensor.uop.base.realized.device)
