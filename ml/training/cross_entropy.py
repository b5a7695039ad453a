"""Cross entropy and its gradient in chunks of tokens.

The logits of 8,192 tokens over 50,304 words take 1.6 GB, and their gradient as much again. They
never live whole: chunk by chunk the logits are made, the loss and the gradients of the hidden state
and of the output matrix are taken from them, and they are let go. The gradient is written down
rather than derived: d loss / d logits = (softmax(logits) - one at the target) / tokens.
"""

from tinygrad import Tensor, dtypes
from tinygrad.dtype import DType

#: Numbers of one chunk's logits: 64 MB of float32.
_MOST_LOGITS = 2**24


def chunks(tokens: int, vocabulary: int) -> int:
    """Return into how many equal chunks so many tokens are cut.

    >>> chunks(1024, 4096), chunks(8192, 50304)
    (1, 32)
    """
    most = max(1, _MOST_LOGITS // vocabulary)
    return next(n for n in range(1, tokens + 1) if tokens % n == 0 and tokens // n <= most)


def token_losses(hidden: Tensor, targets: Tensor, output: Tensor, dtype: DType) -> Tensor:
    """Return the loss of each token of a chunk, in nats: `float32 [tokens]`.

    `hidden` is `[tokens, hidden]`, `targets` `int32 [tokens]`, `output` `[vocabulary, hidden]`.
    """
    logits = hidden.cast(dtype).dot(output.cast(dtype).transpose(), dtype=dtypes.float32)
    logits = logits.contiguous()
    return logits.logsumexp(-1) - _at(logits, targets).sum(-1)


def chunk_gradients(
    hidden: Tensor, targets: Tensor, output: Tensor, tokens: int, dtype: DType
) -> tuple[Tensor, Tensor, Tensor]:
    """Return a chunk's share of the mean loss over `tokens`, and the gradients by its two sides.

    `hidden [chunk, hidden]` and the gradient of it are one chunk's; the gradient of `output
    [vocabulary, hidden]` is to be summed over chunks.
    """
    logits = hidden.cast(dtype).dot(output.cast(dtype).transpose(), dtype=dtypes.float32)
    logits = logits.contiguous()
    normaliser = logits.logsumexp(-1, keepdim=True).contiguous()
    loss = (normaliser.squeeze(-1) - _at(logits, targets).sum(-1)).sum() / tokens
    hit = (targets.reshape(-1, 1) == _words(logits)).cast(dtypes.float32)
    slope = (((logits - normaliser).exp() - hit) / tokens).cast(dtype).contiguous()
    by_hidden = slope.dot(output.cast(dtype), dtype=dtypes.float32)
    by_output = slope.transpose().dot(hidden.cast(dtype), dtype=dtypes.float32)
    return loss, by_hidden, by_output


def _words(logits: Tensor) -> Tensor:
    return Tensor.arange(int(logits.shape[-1])).reshape(1, -1)


def _at(logits: Tensor, targets: Tensor) -> Tensor:
    """The logits with all but each row's target at zero."""
    return (targets.reshape(-1, 1) == _words(logits)).where(logits, 0.0)
