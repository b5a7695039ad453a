"""The contract of generation: what chooses a token, what stops it, and what comes of it.

A sampler is a pure function of logits and of how many tokens were drawn before; a step of it maps
log-odds to log-odds. So the same prompt, sampler and logits give the same ids, whatever ran before.
"""

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

Logits = NDArray[np.float32]
LogOdds = NDArray[np.float64]
# "tokens": as many as were allowed; "id", "text": a stop was met; "consumer": who listens said so;
# "full": the model takes no more positions.
StoppedBy = Literal["tokens", "id", "text", "consumer", "full"]
# Told of each token; False ends the generation.
OnToken = Callable[[int], bool | None]
# Told of text as it becomes certain; the pieces are the text.
OnText = Callable[[str], None]


class Step(Protocol):
    """A member of the list of steps: it takes candidates away, or moves how likely they are."""

    @property
    def name(self) -> str:
        """The name of its option."""

    def apply(self, log_odds: LogOdds) -> LogOdds:
        """Return `float64 [vocabulary]`; a token that may not be drawn has minus infinity."""


class Sampler(Protocol):
    """What chooses the next token."""

    def choose(self, logits: Logits, draw: int) -> int:
        """Return an id; `draw` is how many tokens were chosen before this one."""


@frozen(kw_only=True)
class Stop:
    """What ends a generation besides the number of tokens."""

    ids: frozenset[int] = frozenset()
    """The id that stops is generated, and is the last one."""
    texts: tuple[str, ...] = ()
    """The text ends before the first of them; needs a tokenizer. The ids keep it."""


@frozen(kw_only=True)
class Generation:
    """What came of it."""

    prompt: tuple[int, ...] = field(repr=False)
    ids: tuple[int, ...]
    """What was generated."""
    text: str | None
    """Text of it, without what stopped it; None where no tokenizer was given."""
    margins: tuple[float, ...] = field(repr=False)
    """At each token, the largest logit less the second; as the model gave them, not as sampled."""
    seconds_prefill: float
    """Until the logits behind the prompt stood: loading and compiling are not in it where the
    generator was warmed up."""
    seconds_each: tuple[float, ...] = field(repr=False)
    """Of each step that followed; one less than tokens, for the last token is not computed."""
    device: str
    """Where the logits were really computed, in our grammar."""
    stopped_by: StoppedBy
