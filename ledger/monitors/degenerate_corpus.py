"""A corpus with nothing in it to be learned."""

from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView

#: Setting → (whether the value may not be below or not above, the limit). Text has some hundred
#: different tokens at the least, several bits a token (7.4 in a small code corpus), and few
#: unknown ones: a byte-level tokenizer has none.
LIMITS: Final = {
    "corpus_distinct_tokens": ("below", 16.0),
    "entropy_bits": ("below", 1.0),
    "unknown_fraction": ("above", 0.5),
}


def check(view: RunView) -> Iterable[Mark]:
    """The corpus as its run describes it."""
    found = {}
    for name, (side, limit) in LIMITS.items():
        value = view.number(name)
        if value is not None and (value < limit if side == "below" else value > limit):
            found[name] = value
    if found:
        yield Mark(
            monitor=MONITOR.name,
            mark="INVALID",
            why=", ".join(f"{name} is {value:g}" for name, value in found.items()),
            events=(view.position,),
            numbers=found,
        )


MONITOR: Final = Monitor(
    name="degenerate-corpus",
    sees="A corpus of a few different tokens, of hardly any entropy, or unknown for the most part.",
    mark="INVALID",
    check=check,
)
