"""A long text cut into passages that a model can read at once, each token scored at most once.

With a context of 8 and a stride of 4, a text of 14 tokens is read as

    tokens   0 1 2 3 4 5 6 7 8 9 10 11 12 13
    first    . s s s s s s s
    second           . . . . s s s  s
    third                    . . .  . s  s

where `s` is scored and `.` is context alone. So a scored token has `context - stride` tokens before
it at the least, but for those at the beginning of the text. The first token of all has nothing
before it and is never scored. With a stride as long as the context, the first token of each passage
is lost.
"""

from collections.abc import Sequence

from attrs import frozen

from ml.architectures import ModelConfig
from ml.errors import BadOption, BadPrompt

#: Where nothing is asked for; or the model's own, if that is shorter.
DEFAULT_CONTEXT = 512


@frozen(kw_only=True)
class Passage:
    """Positions `begin` to `end - 1` are read; of these, those from `first` on are scored."""

    begin: int
    first: int
    end: int

    @property
    def scored(self) -> int:
        """How many tokens are scored."""
        return self.end - self.first


@frozen(kw_only=True)
class Cut:
    """How a text is cut."""

    context: int
    """Tokens that a passage has at the most."""
    stride: int
    """Tokens from the beginning of one passage to that of the next."""


def choose_cut(config: ModelConfig, context: int | None, stride: int | None) -> Cut:
    """Return what was asked for, or 512 (or the model's context) and half of it.

    Raises `BadOption` for a context that the model does not have, or a stride beyond it.
    """
    chosen = min(DEFAULT_CONTEXT, config.context_length) if context is None else context
    if not 2 <= chosen <= config.context_length:
        raise BadOption(
            f"a context of {chosen} tokens, and the model has {config.context_length}",
            hint=f"give a --context between 2 and {config.context_length}",
        )
    step = max(1, chosen // 2) if stride is None else stride
    if not 1 <= step <= chosen:
        raise BadOption(
            f"a stride of {step} tokens in a context of {chosen}",
            hint=f"give a --stride between 1 and {chosen}: tokens between passages would be lost",
        )
    return Cut(context=chosen, stride=step)


def passages(total: int, cut: Cut) -> tuple[Passage, ...]:
    """Return the passages of a text of `total` tokens.

    >>> [(p.begin, p.first, p.end) for p in passages(14, Cut(context=8, stride=4))]
    [(0, 1, 8), (4, 8, 12), (8, 12, 14)]
    """
    found, scored_to, begin = [], 1, 0
    while scored_to < total:
        end = min(begin + cut.context, total)
        first = max(scored_to, begin + 1)
        if first < end:
            found.append(Passage(begin=begin, first=first, end=end))
        scored_to = end
        begin += cut.stride
    return tuple(found)


def check_text(ids: Sequence[int], config: ModelConfig) -> tuple[int, ...]:
    """Return the ids of a text, which may be longer than the model's context.

    Raises `BadPrompt` for fewer than two, and for what is no token id of the model.
    """
    if len(ids) < 2:
        raise BadPrompt(
            f"the text has {len(ids)} tokens, and nothing can be scored", hint="give a longer text"
        )
    for position, token in enumerate(ids):
        if not 0 <= token < config.vocabulary:
            raise BadPrompt(
                f"token {position} of the text is {token}, and the model's ids run from 0 to "
                f"{config.vocabulary - 1}",
                hint="encode the text with the model's own tokenizer",
            )
    return tuple(ids)
