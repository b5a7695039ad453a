"""What is wrong with a generated text on the face of it: loops, repetition, gibberish, broken code.

Signs, not verdicts: each has a threshold, chosen so that text people wrote hardly ever shows it.
`tests/bench/text_signs.py` measures how often, on windows of 400 and 2000 characters of the
standard library's source and docstrings; spec/guides/generating.md has the figures. Code is parsed
and never executed.
"""

import ast
import math
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from attrs import frozen

#: Texts that are shorter say too little for the statistics.
LEAST_CHARACTERS: Final = 80
LEAST_WORDS: Final = 24
#: How many words a repeated piece has.
NGRAM: Final = 4
MOST_REPEATED: Final = 0.6
#: How often the end of a text must repeat, and over how many characters (or tokens).
LEAST_TIMES: Final = 4
LEAST_LOOP_CHARACTERS: Final = 100
LEAST_LOOP_TOKENS: Final = 24
MOST_PERIOD: Final = 400
MOST_UNPRINTABLE: Final = 0.02
LEAST_ENTROPY: Final = 2.2
MOST_ENTROPY: Final = 6.2
_FINE_CONTROLS: Final = "\t\n\r"
_STRANGE: Final = ("Cc", "Cn", "Co", "Cs")


@frozen(kw_only=True)
class Sign:
    """One thing that is wrong with a text."""

    name: str
    value: float
    threshold: float


def signs(text: str, ids: Sequence[int] = ()) -> tuple[Sign, ...]:
    """Return what is wrong with a text, and with its ids; empty: nothing that shows."""
    found = [
        Sign(name="unprintable share", value=share, threshold=MOST_UNPRINTABLE)
        for share in (unprintable_share(text),)
        if share > MOST_UNPRINTABLE
    ]
    if len(text) >= LEAST_CHARACTERS:
        bits = entropy_bits(text)
        if bits < LEAST_ENTROPY:
            found.append(Sign(name="entropy too low", value=bits, threshold=LEAST_ENTROPY))
        if bits > MOST_ENTROPY:
            found.append(Sign(name="entropy too high", value=bits, threshold=MOST_ENTROPY))
    repeated = repeated_share(text.split())
    if repeated > MOST_REPEATED:
        found.append(Sign(name="repeated share", value=repeated, threshold=MOST_REPEATED))
    for name, sequence, least in (
        ("loop of characters", text, LEAST_LOOP_CHARACTERS),
        ("loop of tokens", ids, LEAST_LOOP_TOKENS),
    ):
        covered = loop_length(sequence, least)
        if covered:
            found.append(Sign(name=name, value=covered, threshold=least))
    return tuple(found)


def unprintable_share(text: str) -> float:
    """Return the share of control, unassigned and private characters and of U+FFFD."""
    strange = sum(
        c == "\ufffd" or (c not in _FINE_CONTROLS and unicodedata.category(c) in _STRANGE)
        for c in text
    )
    return strange / len(text) if text else 0.0


def entropy_bits(text: str) -> float:
    """Return the entropy of single characters, in bits a character.

    >>> entropy_bits("abab")
    1.0
    """
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def repeated_share(words: Sequence[str]) -> float:
    """Return the share of pieces of four words that stood there before; 0 for short texts."""
    if len(words) < LEAST_WORDS:
        return 0.0
    pieces = [tuple(words[at : at + NGRAM]) for at in range(len(words) - NGRAM + 1)]
    return 1 - len(set(pieces)) / len(pieces)


def loop_length(sequence: Sequence[object], least: int) -> int:
    """Return over how many items the end repeats itself, `LEAST_TIMES` or more; 0: it does not.

    >>> loop_length("x" + "ab" * 60, 100)
    120
    """
    size = len(sequence)
    for period in range(1, min(MOST_PERIOD, size // LEAST_TIMES) + 1):
        covered = period
        while (
            covered < size and sequence[size - 1 - covered] == sequence[size - 1 - covered + period]
        ):
            covered += 1
        if covered >= max(least, LEAST_TIMES * period) and not _is_blank(sequence[-period:]):
            return covered
    return 0


def _is_blank(unit: Sequence[object]) -> bool:
    """Whether a repeated unit is a rule or an indent: people write long rows of one sign."""
    return isinstance(unit, str) and len(set(unit)) == 1 and not unit[0].isalnum()


def python_error(source: str) -> str | None:
    """Return why a text is no Python, with the line; None where it parses. Nothing is executed."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:  # NUL, nested too deep
        return str(error) or type(error).__name__
    return None
