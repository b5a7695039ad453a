"""Token ids as a model can take them."""

from collections.abc import Sequence

import numpy as np

from ml.architectures import ModelConfig
from ml.errors import BadPrompt


def check_ids(ids: Sequence[int], config: ModelConfig) -> tuple[int, ...]:
    """Return the ids as ints; raise `BadPrompt` for what the model cannot take."""
    vocabulary, longest = config.vocabulary, config.context_length
    checked = tuple(ids)
    if not checked:
        raise BadPrompt("the prompt has no token", hint="give at least one token id")
    if len(checked) > longest:
        raise BadPrompt(
            f"the prompt has {len(checked)} tokens, and the model takes {longest}",
            hint="give a shorter prompt",
        )
    for position, token in enumerate(checked):
        # bool is an int in Python, and True as a token id is a slip, not an id.
        if isinstance(token, bool | np.bool_) or not isinstance(token, int | np.integer):
            raise BadPrompt(
                f"position {position} holds {token!r}, which is no token id",
                hint="token ids are whole numbers",
            )
        if not 0 <= token < vocabulary:
            raise BadPrompt(
                f"position {position} holds {token}, outside the vocabulary of {vocabulary}",
                hint=f"token ids of this model run from 0 to {vocabulary - 1}",
            )
    return tuple(int(token) for token in checked)
