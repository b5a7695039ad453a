"""Engine `numpy`: the reference, as plain as it can be written.

It accumulates in float64 and keeps float64 between operations. Rounding to float32 between them
would only add the reference's own rounding errors to the ones it is there to measure: what is left
between engine `a` and this one is engine `a`'s float32 error, about 1e-6 of a point's std on tiny4.
Values are rounded to float32 where they leave the pass: at a capture point, and K and V on their
way into the cache.

It shares the file reader and the table of points with the other engines, and nothing else: own
dequantisation (`ml.quant_types`), own RoPE, own attention. It never imports tinygrad.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import define, evolve, field, frozen
from numpy.typing import NDArray

from ml import points, quant_types
from ml.architectures import Model
from ml.engines.base import Activation, Capture, EngineResult, Request, Scorer, Session, most_likely
from ml.engines.reference_rotation import rotate
from ml.quant_types import QuantType
from ml.sketch import sketch
from ml.statistics import row_statistics

Array = NDArray[np.float64]
_CACHE_DTYPES = {"f32": np.float32, "f16": np.float16}

__all__ = ["REFERENCE", "attend", "rms_norm", "rotate", "silu", "weight"]


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
        return _Pass(request).result()

    def open(self, request: Request, earlier: Session | None = None) -> Session:
        """Return a session on the host."""
        decoded = earlier.computed.decoded if isinstance(earlier, ReferenceSession) else {}
        return ReferenceSession(_Pass(request, decoded=decoded))

    def scorer(self, request: Request) -> Scorer:
        """Return a scorer on the host."""
        return ReferenceScorer(request)


@frozen(kw_only=True)
class _Noted:
    """What one step saw at one point."""

    width: int
    rows: NDArray[np.float32] | None
    """`float32 [tokens of the step, 74]`; None on a plain pass."""
    tensor: NDArray[np.float32] | None
    """`float32 [tokens of the step, width]` where it was asked for."""


@define
class _Pass:
    """One pass: the request, the cache, and what was noted so far."""

    request: Request
    ids: list[int] = field(init=False)
    """The prompt, and behind it what was generated."""
    cache: dict[int, tuple[NDArray[np.floating], NDArray[np.floating]]] = field(factory=dict)
    """Keys and values of each layer, `[positions, kv_heads * head_dim]` in the cache's type."""
    first: int = 0
    """Position of the first token of the step that is being computed."""
    noted: dict[tuple[str, int | None], list[_Noted]] = field(factory=dict)
    """What each step saw, in the order of computation."""
    decoded: dict[str, NDArray[np.float32]] = field(factory=dict)
    """Weights that will be asked for again: a token at a time would decode them for each."""

    def __attrs_post_init__(self) -> None:
        self.ids = list(self.request.ids)

    def result(self) -> EngineResult:
        """Run, and put together what the steps saw."""
        logits = self.forward()
        return EngineResult(
            captures=tuple(self.captures()),
            logits=logits,
            device="cpu",
            generated=tuple(self.ids[len(self.request.ids) :]),
        )

    def captures(self) -> list[Capture]:
        """Return what was noted, each point with the rows of all steps."""
        return [
            Capture(
                point=points.BY_ID[name],
                layer=layer,
                width=steps[0].width,
                rows=_joined([step.rows for step in steps]),
                tensor=_joined([step.tensor for step in steps]),
            )
            for (name, layer), steps in self.noted.items()
        ]

    def capture(self, name: str, layer: int | None, value: Array) -> Array:
        """Note a value `[tokens, width]` if its point was asked for.

        Return what the pass goes on with: the value, or another where one is forced.
        """
        if name in self.request.points:
            self.note(name, layer, value)
        forced = self.request.forced_at(name, layer, value.shape)
        return value if forced is None else forced.astype(np.float64)

    def note(self, name: str, layer: int | None, value: Array) -> None:
        """Add a value to what was noted, rounded to float32."""
        request = self.request
        with np.errstate(over="ignore"):  # beyond float32 an activation is an infinity, counted
            rounded = value.astype(np.float32)
        rows = None
        if request.statistics:
            rows = np.concatenate([row_statistics(rounded), sketch(rounded)], axis=1)
        tensor = rounded if request.keep_tensors else None
        seen = _Noted(width=value.shape[1], rows=rows, tensor=tensor)
        self.noted.setdefault((name, layer), []).append(seen)

    def weight(self, name: str) -> Array:
        """Return a weight, `float64 [shape]`."""
        if self.request.batching == "prefill":
            return weight(self.request.model, name)
        if name not in self.decoded:
            self.decoded[name] = weight(self.request.model, name).astype(np.float32)
        return self.decoded[name].astype(np.float64)

    def forward(self) -> NDArray[np.float32]:
        """Return the last token's logits, `float32 [vocabulary]`."""
        request = self.request
        if request.batching == "prefill":
            return self.step(self.ids)
        logits = np.empty(0, dtype=np.float32)
        for position in range(request.positions):
            request.report("token", position, request.positions)
            if position == len(self.ids):
                self.ids.append(most_likely(logits))
            logits = self.step(self.ids[position : position + 1])
        request.report("token", request.positions, request.positions)
        return logits

    def step(self, ids: list[int]) -> NDArray[np.float32]:
        """Compute the next tokens, and return the logits of the last of them."""
        logits = self.head(self.stream(ids))
        self.capture("logits", None, logits)
        if self.request.batching == "prefill":
            layers = self.request.model.config.layers
            self.request.report("layer", layers, layers)
        self.first += len(ids)
        last: NDArray[np.float32] = logits[-1].astype(np.float32)
        return last

    def stream(self, ids: list[int]) -> Array:
        """Return what the output projection takes, `[tokens, hidden]`: all but the logits."""
        config, is_prefill = self.request.model.config, self.request.batching == "prefill"
        x = self.capture("embedding", None, self.weight("token_embd.weight")[ids])
        for layer in range(config.layers):
            if is_prefill:
                self.request.report("layer", layer, config.layers)
            x = self.attention(layer, x)
            x = self.capture("output", layer, self.feed_forward(layer, x))
        x = rms_norm(x, self.weight("output_norm.weight"), config.norm_epsilon)
        return self.capture("final_norm", None, x)

    def head(self, normed: Array) -> Array:
        """Return the logits of some tokens, `[tokens, vocabulary]`."""
        return normed @ self.weight(self.request.model.output_tensor).T

    def project(self, layer: int, name: str, x: Array) -> Array:
        """Return the product with a weight, without its bias: `[tokens, out]`."""
        return x @ self.weight(f"blk.{layer}.{name}.weight").T

    def shift(self, layer: int, name: str, x: Array) -> Array:
        """Return a product with its bias added, where the model has one."""
        if name not in self.request.model.config.biases:
            return x
        return x + self.weight(f"blk.{layer}.{name}.bias")

    def norm_heads(self, layer: int, name: str, x: Array) -> Array:
        """Return q or k with each head divided by its own rms, where the model has such norms."""
        config = self.request.model.config
        if not config.has_head_norms:
            return x
        scale, normed = self.weight(f"blk.{layer}.attn_{name}_norm.weight"), x.copy()
        for begin in range(0, x.shape[1], config.head_dim):
            head = slice(begin, begin + config.head_dim)
            normed[:, head] = rms_norm(x[:, head], scale, config.norm_epsilon)
        return normed

    def keep(self, layer: int, k: Array, v: Array) -> tuple[Array, Array]:
        """Put new keys and values into the cache; return all that are in it, widened."""
        dtype, last = _CACHE_DTYPES[self.request.kv], self.first + len(k)
        if layer not in self.cache:
            shape = (self.request.positions, k.shape[1])
            self.cache[layer] = (np.zeros(shape, dtype), np.zeros(shape, dtype))
        for kept, new in zip(self.cache[layer], (k, v), strict=True):
            kept[self.first : last] = new.astype(dtype)
        keys, values = (kept[:last].astype(np.float64) for kept in self.cache[layer])
        return keys, values

    def attention(self, layer: int, x: Array) -> Array:
        """Return the residual stream after attention, `[tokens, hidden]`."""
        config, block = self.request.model.config, f"blk.{layer}."
        normed = rms_norm(x, self.weight(block + "attn_norm.weight"), config.norm_epsilon)
        normed = self.capture("attn_norm", layer, normed)
        raw, biased = {}, {}
        for name in "qkv":
            product = self.project(layer, f"attn_{name}", normed)
            raw[name] = self.capture(f"{name}_matmul", layer, product)
        for name in "qkv":
            shifted = self.shift(layer, f"attn_{name}", raw[name])
            biased[name] = self.capture(f"{name}_bias", layer, shifted)
        joined = np.concatenate([biased[name] for name in "qkv"], axis=1)
        joined = self.capture("qkv", layer, joined)
        if ("qkv", layer) in self.request.forced:
            ends = np.cumsum([biased[name].shape[1] for name in "qk"])
            biased = dict(zip("qkv", np.split(joined, ends, axis=1), strict=True))
        q, k = (
            rotate(
                self.norm_heads(layer, name, biased[name]),
                config.head_dim,
                config.rope_theta,
                first=self.first,
                scaling=config.rope_scaling,
            )
            for name in "qk"
        )
        q = self.capture("q_rope", layer, q)
        k = self.capture("k_rope", layer, k)
        keys, values = self.keep(layer, k, biased["v"])
        mixed = self.capture(
            "attn_mix", layer, attend(q, keys, values, config.head_dim, config.window(layer))
        )
        out = self.shift(layer, "attn_output", self.project(layer, "attn_output", mixed))
        out = self.capture("attn_out", layer, out)
        return self.capture("attn_residual", layer, x + out)

    def feed_forward(self, layer: int, x: Array) -> Array:
        """Return the residual stream after the feed-forward, `[tokens, hidden]`."""
        config, block = self.request.model.config, f"blk.{layer}."
        normed = rms_norm(x, self.weight(block + "ffn_norm.weight"), config.norm_epsilon)
        normed = self.capture("ffn_norm", layer, normed)
        gate = self.shift(layer, "ffn_gate", self.project(layer, "ffn_gate", normed))
        gate = self.capture("ffn_gate", layer, gate)
        up = self.shift(layer, "ffn_up", self.project(layer, "ffn_up", normed))
        up = self.capture("ffn_up", layer, up)
        activated = self.capture("ffn_silu", layer, silu(gate))
        product = self.capture("ffn_swigl", layer, activated * up)
        out = self.shift(layer, "ffn_down", self.project(layer, "ffn_down", product))
        return x + self.capture("ffn_out", layer, out)


@define
class ReferenceSession:
    """The member's session; see `ml.engines.base.Session`."""

    computed: _Pass
    device: str = "cpu"

    @property
    def capacity(self) -> int:
        """How many positions there is room for."""
        return self.computed.request.positions

    def prefill(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Compute the next positions at once; return the last one's logits."""
        return self.computed.step(list(ids))

    def step(self, token: int) -> NDArray[np.float32]:
        """Compute the next position; return its logits."""
        return self.computed.step([token])

    def rewind(self, position: int) -> None:
        """Go on from an earlier position."""
        self.computed.first = min(position, self.computed.first)


@define
class ReferenceScorer:
    """The member's scorer; see `ml.engines.base.Scorer`."""

    request: Request
    device: str = "cpu"
    computed: _Pass | None = None
    normed: Array = field(factory=lambda: np.empty((0, 0)))

    def read(self, ids: Sequence[int]) -> None:
        """Compute all positions of these ids in one causal batch, up to the output projection."""
        request = evolve(self.request, ids=tuple(ids), points=frozenset(), progress=None)
        self.computed = _Pass(request)
        self.normed = self.computed.stream(list(ids))

    def logits(self, begin: int, end: int) -> NDArray[np.float32]:
        """Return the logits of positions `begin` to `end - 1`."""
        if self.computed is None:
            raise ValueError("nothing was read")  # a bug of the caller
        return self.computed.head(self.normed[begin:end]).astype(np.float32)


def _joined(steps: list[NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    """Return the rows of all steps under one another; None where none were kept."""
    kept = [step for step in steps if step is not None]
    return np.concatenate(kept) if kept else None


def weight(model: Model, name: str) -> Array:
    """Return one tensor decoded to float32 and widened, `float64 [shape]`.

    Rows of q and k come in Hugging Face's order: where the file has ggml's for Llama, row 2i + j of
    a head is row i + j * head_dim / 2 (own reading; the others take `Model.tensor_bytes`).
    """
    tensor = model.tensors[name]
    data = model.container.tensor_bytes(name)
    decoded = quant_types.decode(tensor.quant_type, data, tensor.shape, tensor=name)
    if model.is_permuted and name.split(".")[-2] in ("attn_q", "attn_k"):
        rows, half = np.arange(tensor.shape[0]), model.config.head_dim // 2
        head, place = np.divmod(rows, 2 * half)
        side, pair = np.divmod(place, half)
        decoded = decoded[head * 2 * half + 2 * pair + side]
    return decoded.astype(np.float64)


def rms_norm(x: Array, scale: Array, epsilon: float) -> Array:
    """Return x / sqrt(mean(x²) + epsilon) · scale, row by row; `[tokens, width]`."""
    mean_square: Array = (x * x).mean(axis=1, keepdims=True)
    return x / np.sqrt(mean_square + epsilon) * scale


def silu(x: Array) -> Array:
    """Return x · sigmoid(x)."""
    with np.errstate(over="ignore"):  # exp of a large negative gate: x / inf is the right 0
        return x / (1.0 + np.exp(-x))


def attend(q: Array, k: Array, v: Array, head_dim: int, window: int = 0) -> Array:
    """Return the values mixed by causal attention, `[tokens, heads * head_dim]`.

    The queries stand at the last positions of keys and values. Head h of the queries reads head
    h // (heads / kv_heads) of keys and values. With a window, a query sees so many positions, its
    own among them.
    """
    tokens, seen = len(q), len(k)
    heads, kv_heads = q.shape[1] // head_dim, k.shape[1] // head_dim
    causal = np.tril(np.ones((tokens, seen), dtype=bool), k=seen - tokens)
    if window:
        causal &= np.triu(np.ones((tokens, seen), dtype=bool), k=seen - tokens - window + 1)
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
