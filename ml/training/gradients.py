"""Loss and gradients of a batch: forward, then backward layer by layer.

What enters a layer is kept; the rest of it is computed again on the way back. So the memory of a
batch is one stream a layer, and what tinygrad has to schedule is one layer, however many there are:
layers are alike, so it does it once. Everything is realised in a fixed order, and nothing is summed
by atomics: the same weights and ids give the same bytes.
"""

from collections.abc import Callable, Mapping

from attrs import field, frozen
from tinygrad import Tensor, dtypes
from tinygrad.dtype import DType

from ml.training.cross_entropy import chunk_gradients, chunks, token_losses
from ml.training.layer import Rotation, Weights, compute_dtype, layer, norm
from ml.training.settings import Settings
from ml.training.weights import EMBEDDING, OUTPUT_NORM, layer_shapes, name_of

#: Realises a gradient that the pass goes on with, and takes those of weights, by name, with it.
Take = Callable[[Tensor, Mapping[str, Tensor]], Tensor]


@frozen(kw_only=True)
class Network:
    """The model over its weights on a device."""

    settings: Settings
    weights: Weights = field(repr=False)
    rotation: Rotation = field(repr=False)

    @property
    def dtype(self) -> DType:
        """The type of products."""
        return compute_dtype(self.settings)

    def layer_weights(self, number: int) -> dict[str, Tensor]:
        """Return a layer's weights by their names without `blk.N.`."""
        names = layer_shapes(self.settings.preset)
        return {name: self.weights[name_of(number, name)] for name in names}

    def _layer(self, x: Tensor, weights: Weights) -> Tensor:
        return layer(x, weights, self.rotation, self.settings.preset, self.dtype)

    def _streams(self, ids: Tensor) -> list[Tensor]:
        """What enters each layer and what leaves the last, `[windows, tokens, hidden]` each."""
        streams = [self.weights[EMBEDDING][ids].contiguous().realize()]
        for number in range(self.settings.preset.layers):
            following = self._layer(streams[-1], self.layer_weights(number))
            streams.append(following.contiguous().realize())
        return streams

    def _normed(self, stream: Tensor) -> Tensor:
        flat = stream.reshape(-1, self.settings.preset.hidden)
        return norm(flat, self.weights[OUTPUT_NORM], self.settings.preset.epsilon)

    def losses(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Return the summed loss of each window in nats, `float32 [windows]`."""
        hidden = self._normed(self._streams(ids)[-1]).contiguous().realize()
        flat = targets.reshape(-1)
        parts = [
            token_losses(hidden[at].contiguous().realize(), flat[at], self._output, self.dtype)
            for at in _cuts(hidden, self._output)
        ]
        found = Tensor.cat(*(part.contiguous().realize() for part in parts))
        return found.reshape(ids.shape).sum(-1).contiguous().realize()

    def next_logits(self, ids: Tensor, here: Tensor) -> Tensor:
        """Return the logits behind one position of each window, `float32 [windows, vocabulary]`.

        `here` is `float32 [tokens]`, one at the position and zero elsewhere.
        """
        stream = self._streams(ids)[-1]
        at = (stream * here.reshape(1, -1, 1)).sum(1).contiguous().realize()
        hidden = self._normed(at).contiguous().realize()
        output = self._output.cast(self.dtype).transpose()
        return hidden.cast(self.dtype).dot(output, dtype=dtypes.float32).contiguous().realize()

    def backward(self, ids: Tensor, targets: Tensor, take: Take) -> Tensor:
        """Hand the gradients of the mean loss to `take`; return the loss, in nats a token."""
        streams = self._streams(ids)
        loss, by_hidden, by_output = self._head(streams[-1], targets)
        last = streams[-1]
        surrogate = (self._normed(last) * by_hidden).sum()
        by_stream, by_norm = surrogate.gradient(last, self.weights[OUTPUT_NORM])
        by_stream = take(by_stream, {OUTPUT_NORM: by_norm})
        for number in reversed(range(self.settings.preset.layers)):
            weights, before = self.layer_weights(number), streams[number]
            surrogate = (self._layer(before, weights) * by_stream).sum()
            by_stream, *by_weights = surrogate.gradient(before, *weights.values())
            names = [name_of(number, name) for name in weights]
            by_stream = take(by_stream, dict(zip(names, by_weights, strict=True)))
        take(loss, {EMBEDDING: by_output + self._by_embedding(ids, by_stream)})
        return loss

    def _head(self, stream: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mean loss, and its gradients by the normed stream and by the output matrix."""
        hidden = self._normed(stream).contiguous().realize()
        flat = targets.reshape(-1)
        tokens = int(flat.shape[0])
        found: list[Tensor] = []
        by_hidden = []
        for at in _cuts(hidden, self._output):
            chunk = hidden[at].contiguous().realize()
            share, by_chunk, by_matrix = chunk_gradients(
                chunk, flat[at], self._output, tokens, self.dtype
            )
            sums = [share, by_matrix]
            if found:
                sums = [before + more for before, more in zip(found, sums, strict=True)]
            found = [one.contiguous() for one in sums]
            by_hidden.append(by_chunk.contiguous())
            Tensor.realize(*found, by_hidden[-1])
        whole = Tensor.cat(*by_hidden) if len(by_hidden) > 1 else by_hidden[0]
        return found[0], whole, found[1]

    @property
    def _output(self) -> Tensor:
        return self.weights[EMBEDDING]

    def _by_embedding(self, ids: Tensor, by_stream: Tensor) -> Tensor:
        """The gradient of the embedding by its rows: a product with ones, in a fixed order."""
        rows = int(self._output.shape[0])
        hits = Tensor.arange(rows).reshape(-1, 1) == ids.reshape(1, -1)
        flat = by_stream.reshape(-1, self.settings.preset.hidden)
        return hits.cast(dtypes.float32).dot(flat)


def _cuts(hidden: Tensor, output: Tensor) -> list[slice]:
    """The chunks of tokens whose logits are made at once."""
    tokens = int(hidden.shape[0])
    parts = chunks(tokens, int(output.shape[0]))
    size = tokens // parts
    return [slice(size * part, size * (part + 1)) for part in range(parts)]
