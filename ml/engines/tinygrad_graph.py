"""The forward pass in tinygrad, every point materialised.

The engines that compute with tinygrad share it: norms, rotation, attention, captured values and
their rows. What a product with a weight is, each engine says by itself (`Weights`), so nothing that
decodes or unpacks weights is shared. Whether all positions are computed at once or one after the
other, a `Batch` says: `ml.engines.tinygrad_prefill`, `ml.engines.tinygrad_one_by_one`.

Every point that is not derived is made contiguous whether it is captured or not. So a captured
value is always one that the pass has written anyway: what is captured, and whether statistics are
taken of it, changes no number of the pass ("plain" and traced logits are bit-equal).
"""

from typing import Protocol

from attrs import frozen
from tinygrad import Tensor

from ml.engines.base import Request
from ml.engines.tinygrad_attention import attend, rotate


class Weights(Protocol):
    """What an engine gives: its weights on the device, by the names of the file."""

    def embed(self, name: str, ids: Tensor) -> Tensor:
        """Return the rows of a matrix, `float32 [ids, width]`."""

    def vector(self, name: str) -> Tensor:
        """Return a norm's or a bias's weight, `float32 [width]`."""

    def project(self, name: str, x: Tensor) -> Tensor:
        """Return activations `float32 [tokens, in]` times a weight: `[tokens, out]`."""


class Batch(Protocol):
    """What a way of batching gives: where captured values go, and the cache."""

    def point(self, name: str, layer: int | None, value: Tensor) -> Tensor:
        """Materialise a value `[tokens, width]`, and return what the pass goes on with."""

    def settle(self, layer: int | None) -> None:
        """Realise what is pending: behind the embedding (None), each layer, and the logits."""

    def keep(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Put `[tokens, kv_heads * head_dim]` into the cache.

        Return keys and values of all positions in it, widened to `float32 [positions, …]`, and
        which of them each token may see, `bool [tokens, positions]`.
        """


@frozen(kw_only=True)
class Graph:
    """The forward pass over some tokens, `[tokens, width]` from point to point."""

    request: Request
    weights: Weights
    batch: Batch

    def forward(self, ids: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the logits of all tokens, `[tokens, vocabulary]`, realised."""
        logits = self.batch.point("logits", None, self.head(self.stream(ids, cos, sin)))
        self.batch.settle(None)
        return logits

    def stream(self, ids: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return what the output projection takes, `[tokens, hidden]`: all but the logits."""
        point = self.batch.point
        x = point("embedding", None, self.weights.embed("token_embd.weight", ids))
        self.batch.settle(None)
        for layer in range(self.request.model.config.layers):
            x = self.attention(layer, x, cos, sin)
            x = self.feed_forward(layer, x)
            self.batch.settle(layer)
        return point("final_norm", None, self.norm(x, "output_norm.weight"))

    def head(self, normed: Tensor) -> Tensor:
        """Return the logits of some tokens, `[tokens, vocabulary]`."""
        return self.weights.project(self.request.model.output_tensor, normed)

    def norm(self, x: Tensor, name: str) -> Tensor:
        """Return x / sqrt(mean(x²) + epsilon) · weight, row by row."""
        epsilon = self.request.model.config.norm_epsilon
        scale = ((x * x).mean(axis=1, keepdim=True) + epsilon).rsqrt()
        return x * scale * self.weights.vector(name)

    def project(self, layer: int, name: str, x: Tensor) -> Tensor:
        """Return the product with a weight, without its bias."""
        return self.weights.project(f"blk.{layer}.{name}.weight", x)

    def shift(self, layer: int, name: str, x: Tensor) -> Tensor:
        """Return a product with its bias added, where the model has one."""
        if name not in self.request.model.config.biases:
            return x
        return x + self.weights.vector(f"blk.{layer}.{name}.bias")

    def norm_heads(self, layer: int, name: str, x: Tensor) -> Tensor:
        """Return q or k `[tokens, heads * head_dim]` each head normed, where the model has it."""
        config = self.request.model.config
        if not config.has_head_norms:
            return x
        heads = x.reshape(-1, config.head_dim)
        return self.norm(heads, f"blk.{layer}.attn_{name}_norm.weight").reshape(x.shape)

    def attention(self, layer: int, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the residual stream after attention, `[tokens, hidden]`."""
        point, head_dim = self.batch.point, self.request.model.config.head_dim
        normed = point("attn_norm", layer, self.norm(x, f"blk.{layer}.attn_norm.weight"))
        raw, biased = {}, {}
        for name in "qkv":
            product = self.project(layer, f"attn_{name}", normed)
            raw[name] = point(f"{name}_matmul", layer, product)
        for name in "qkv":
            shifted = self.shift(layer, f"attn_{name}", raw[name])
            biased[name] = point(f"{name}_bias", layer, shifted)
        joined = point("qkv", layer, Tensor.cat(*(biased[name] for name in "qkv"), dim=1))
        if ("qkv", layer) in self.request.forced:
            widths = [int(biased[name].shape[1]) for name in "qkv"]
            biased = dict(zip("qkv", joined.split(widths, dim=1), strict=True))
        q, k = (
            point(
                f"{name}_rope", layer, rotate(self.norm_heads(layer, name, biased[name]), cos, sin)
            )
            for name in "qk"
        )
        keys, values, visible = self.batch.keep(layer, k, biased["v"])
        mixed = point("attn_mix", layer, attend(q, keys, values, visible, head_dim))
        out = self.shift(layer, "attn_output", self.project(layer, "attn_output", mixed))
        out = point("attn_out", layer, out)
        return point("attn_residual", layer, x + out)

    def feed_forward(self, layer: int, x: Tensor) -> Tensor:
        """Return the residual stream after the feed-forward, `[tokens, hidden]`."""
        point = self.batch.point
        normed = point("ffn_norm", layer, self.norm(x, f"blk.{layer}.ffn_norm.weight"))
        gate = self.shift(layer, "ffn_gate", self.project(layer, "ffn_gate", normed))
        gate = point("ffn_gate", layer, gate)
        up = self.shift(layer, "ffn_up", self.project(layer, "ffn_up", normed))
        up = point("ffn_up", layer, up)
        activated = point("ffn_silu", layer, gate.silu())
        if ("ffn_silu", layer) not in self.request.forced:
            activated = gate.silu()  # not the captured one: what is captured changes no number
        product = point("ffn_swigl", layer, activated * up)
        out = self.shift(layer, "ffn_down", self.project(layer, "ffn_down", product))
        out = point("ffn_out", layer, out)
        return point("output", layer, x + out)
