"""What a model in training writes: prompts continued greedily, and how much of it parses.

The whole window is computed for each token, without a cache: nothing is built beside what training
has, and what is sampled is the very network that is trained.
"""

import ast
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from attrs import field, frozen

from ml.errors import BadOption
from ml.training.trainer import Trainer

#: Text of ids.
TextOf = Callable[[Sequence[int]], str]


@frozen(kw_only=True)
class Sample:
    """A prompt and how the model went on."""

    document: str
    """The held-out document that the prompt is the beginning of."""
    prompt: str
    text: str
    """What the model wrote behind it."""

    @property
    def parses(self) -> bool:
        """Whether prompt and text are a Python program, up to the last line that was finished.

        A model that finished no line wrote none.
        """
        lines, newline, _ = self.text.rpartition("\n")
        return bool(newline) and is_python(f"{self.prompt}{lines}\n")


@frozen(kw_only=True)
class Prompts:
    """What is continued, the same at each time."""

    documents: tuple[str, ...]
    ids: Sequence[tuple[int, ...]] = field(repr=False)
    """Of one length each, so that one pass computes all of them."""
    known: int
    """Ids of the tokenizer: rows of the embedding beyond it are padding, and never chosen."""
    end_id: int
    """The token behind a document; what comes after it is not text of this one."""
    text_of: TextOf = field(repr=False)


def is_python(text: str) -> bool:
    """Return whether `ast.parse` takes a text; an empty one is no program."""
    if not text.strip():
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def sample(trainer: Trainer, prompts: Prompts) -> tuple[Sample, ...]:
    """Continue each prompt greedily until the window is full or its document ends.

    Raises `BadOption` where there are more prompts than windows of a batch.
    """
    settings = trainer.settings
    if len(prompts.ids) > settings.batch:
        raise BadOption(
            f"{len(prompts.ids)} prompts, and a batch has {settings.batch} windows",
            hint="ask for fewer samples",
        )
    begin = len(prompts.ids[0]) if prompts.ids else settings.sequence
    windows = np.zeros((settings.batch, settings.sequence), dtype=np.int32)
    for row, ids in enumerate(prompts.ids):
        windows[row, :begin] = ids
    for at in range(begin, settings.sequence):
        logits = trainer.next_logits(windows, at - 1)
        windows[:, at] = logits[:, : prompts.known].argmax(-1)
    return tuple(
        _sample(prompts, row, windows[row].tolist(), begin) for row in range(len(prompts.ids))
    )


def _sample(prompts: Prompts, row: int, ids: list[int], begin: int) -> Sample:
    written = ids[begin:]
    if prompts.end_id in written:
        written = written[: written.index(prompts.end_id)]
    return Sample(
        document=prompts.documents[row],
        prompt=prompts.text_of(ids[:begin]),
        text=prompts.text_of(written),
    )
