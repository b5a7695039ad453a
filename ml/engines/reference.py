"""Engine `numpy`: the reference, as plain as it can be written.

It accumulates in float64 and keeps float64 between operations. Rounding to float32 between them
would only add the reference's own rounding errors to the ones it is there to measure: what is left
between engine `a` and this one is engine `a`'s float32 error, about 1e-6 of a point's std on tiny4.
Values are rounded to float32 where they leave the pass: at a capture point, and K and V on their
way into the cache.

It shares the file reader and the table of points with the other engines, and nothing else: own
dequantisation (`ml.quant_types`), own RoPE, own attention. It never imports tinygrad.
"""

from collections.abc import Mapping

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from ml import points, quant_types
from ml.architectures import Model
from ml.engines.base import Activation, Capture, EngineResult, Request
from ml.quant_types import QuantType
from ml.sketch import sketch
from ml.statistics import row_statistics

Array = NDArray[np.float64]
_CACHE_DTYPES = {"f32": np.float32, "f16": np.float16}


@frozen
class ReferenceEngine:
    """The member of `ml.engines`."""

    id: str = "numpy"
    uses_tinygrad: bool = False
    activations: tuple[Activation, ...] = ("none",)

    def describe(self, _activation: Activation, /) -> Mapping[str, str]:
        """Return its part of the path record."""
        return {
            "accumulate_dtype": "float64",
            "activation_dtype": "float64",
            "attention_form": "explicit causal softmax of scores over sqrt(head_dim)",
            "engine_version": f"1 (numpy {np.__version__})",
        }

    def weight_decoding(self, _quant_type: QuantType, /) -> str:
        """Return the same for every type."""
        return "float32 by ml.quant_types, then float64"

    def activation_quantisation(self, _quant_type: QuantType, _activation: Activation, /) -> str:
        """Return `none`: products are in float64."""
        return "none"

    def run(self, request: Request) -> EngineResult:
        """Compute one forward pass on the host."""
        run = _Pass(request)
        logits = run.forward()
        return EngineResult(captures=tuple(run.captures), logits=logits, device="cpu")


@define
class _Pass:
    """One pass: the request, and the captures so far."""

    request: Request
    captures: list[Capture] = field(factory=list)

    def capture(self, name: str, layer: int | None, value: Array) -> None:
        """Note a value `[tokens, width]` if its point was asked for."""
        request = self.request
        if name not in request.points:
            return
        with np.errstate(over="ignore"):  # beyond float32 an activation is an infinity, counted
            rounded = value.astype(np.float32)
        rows = None
        if request.statistics:
            rows = np.concatenate([row_statistics(rounded), sketch(rounded)], axis=1)
        self.captures.append(
            Capture(
                point=points.BY_ID[name],
                layer=layer,
                width=value.shape[1],
                rows=rows,
                tensor=rounded if request.keep_tensors else None,
            )
        )

    def weight(self, name: str) -> Array:
        return weight(self.request.model, name)

    def forward(self) -> NDArray[np.float32]:
        """Return the last token's logits, `float32 [vocabulary]`."""
        config = self.request.model.config
        embedding = self.weight("token_embd.weight")
        x = embedding[list(self.request.ids)]  # [tokens, hidden]
        self.capture("embedding", None, x)
        for layer in range(config.layers):
            self.request.report("layer", layer, config.layers)
            x = self.attention(layer, x)
            x = self.feed_forward(layer, x)
            self.capture("output", layer, x)
        x = rms_norm(x, self.weight("output_norm.weight"), config.norm_epsilon)
        self.capture("final_norm", None, x)
        output = embedding if config.tied_output else self.weight("output.weight")
        logits: Array = x @ output.T  # [tokens, vocabulary]
        self.capture("logits", None, logits)
        self.request.report("layer", config.layers, config.layers)
        last: NDArray[np.float32] = logits[-1].astype(np.float32)
        return last

    def attention(self, layer: int, x: Array) -> Array:
        """Return the residual stream after attention, `[tokens, hidden]`."""
        config, block = self.request.model.config, f"blk.{layer}."
        normed = rms_norm(x, self.weight(block + "attn_norm.weight"), config.norm_epsilon)
        self.capture("attn_norm", layer, normed)
        raw = {name: normed @ self.weight(f"{block}attn_{name}.weight").T for name in "qkv"}
        biased = {name: raw[name] + self.weight(f"{block}attn_{name}.bias") for name in "qkv"}
        for stage, values in (("matmul", raw), ("bias", biased)):
            for name in "qkv":
                self.capture(f"{name}_{stage}", layer, values[name])
        self.capture("qkv", layer, np.concatenate([biased[name] for name in "qkv"], axis=1))
        q = rotate(biased["q"], config.head_dim, config.rope_theta)
        k = rotate(biased["k"], config.head_dim, config.rope_theta)
        self.capture("q_rope", layer, q)
        self.capture("k_rope", layer, k)
        cache = _CACHE_DTYPES[self.request.kv]
        k, v = (t.astype(cache).astype(np.float64) for t in (k, biased["v"]))
        mixed = attend(q, k, v, config.head_dim)
        self.capture("attn_mix", layer, mixed)
        out = mixed @ self.weight(block + "attn_output.weight").T
        self.capture("attn_out", layer, out)
        self.capture("attn_residual", layer, x + out)
        return x + out

    def feed_forward(self, layer: int, x: Array) -> Array:
        """Return the residual stream after the feed-forward, `[tokens, hidden]`."""
        config, block = self.request.model.config, f"blk.{layer}."
        normed = rms_norm(x, self.weight(block + "ffn_norm.weight"), config.norm_epsilon)
        self.capture("ffn_norm", layer, normed)
        gate = normed @ self.weight(block + "ffn_gate.weight").T
        self.capture("ffn_gate", layer, gate)
        up = normed @ self.weight(block + "ffn_up.weight").T
        self.capture("ffn_up", layer, up)
        activated = silu(gate)
        self.capture("ffn_silu", layer, activated)
        product = activated * up
        self.capture("ffn_swigl", layer, product)
        out = product @ self.weight(block + "ffn_down.weight").T
        self.capture("ffn_out", layer, out)
        return x + out


def weight(model: Model, name: str) -> Array:
    """Return one tensor decoded to float32 and widened, `float64 [shape]`."""
    tensor = model.tensors[name]
    data = model.container.tensor_bytes(name)
    decoded = quant_types.decode(tensor.quant_type, data, tensor.shape, tensor=name)
    return decoded.astype(np.float64)


def rms_norm(x: Array, scale: Array, epsilon: float) -> Array:
    """Return x / sqrt(mean(x²) + epsilon) · scale, row by row; `[tokens, width]`."""
    mean_square: Array = (x * x).mean(axis=1, keepdims=True)
    return x / np.sqrt(mean_square + epsilon) * scale


def silu(x: Array) -> Array:
    """Return x · sigmoid(x)."""
    with np.errstate(over="ignore"):  # exp of a large negative gate: x / inf is the right 0
        return x / (1.0 + np.exp(-x))


def rotate(x: Array, head_dim: int, theta: float) -> Array:
    """Apply RoPE to `[tokens, heads * head_dim]`, row p at position p (own reading of the rule)."""
    tokens, width = x.shape
    half = head_dim // 2
    heads = x.reshape(tokens, width // head_dim, head_dim)
    turned = np.empty_like(heads)
    for pair in range(half):
        angles = np.arange(tokens, dtype=np.float64) / theta ** (2.0 * pair / head_dim)
        cos = np.cos(angles).astype(np.float32).astype(np.float64)[:, None]
        sin = np.sin(angles).astype(np.float32).astype(np.float64)[:, None]
        first, second = heads[:, :, pair], heads[:, :, pair + half]
        turned[:, :, pair] = first * cos - second * sin
        turned[:, :, pair + half] = second * cos + first * sin
    return turned.reshape(tokens, width)


def attend(q: Array, k: Array, v: Array, head_dim: int) -> Array:
    """Return the values mixed by causal attention, `[tokens, heads * head_dim]`.

    Head h of the queries reads head h // (heads / kv_heads) of keys and values.
    """
    tokens = len(q)
    heads, kv_heads = q.shape[1] // head_dim, k.shape[1] // head_dim
    causal = np.tril(np.ones((tokens, tokens), dtype=bool))
    mixed = np.empty_like(q)
    for head in range(heads):
        shared = head // (heads // kv_heads)
        mine = slice(head * head_dim, (head + 1) * head_dim)
        theirs = slice(shared * head_dim, (shared + 1) * head_dim)
        scores = q[:, mine] @ k[:, theirs].T / np.sqrt(head_dim)
        scores = np.where(causal, scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        mixed[:, mine] = weights @ v[:, theirs]
    return mixed


REFERENCE = ReferenceEngine()
