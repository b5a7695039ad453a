"""Cutting ASCII text into words by Python's own regular expressions, many times as fast.

Over ASCII, a Unicode category is a handful of characters, so that a pattern of
`ml.tokenizer.pretokenizers` can be written for `re`. Most source code is ASCII, and its words come
again and again: cutting is then what takes the time. Texts with other characters go through the
`tokenizers` package, and a test holds the two against each other.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain, groupby
from typing import Final

from attrs import field, frozen

from ml.tokenizer.pretokenizers import Pretokenizer

Words = Callable[[str], list[str]]

_CATEGORY: Final = re.compile(r"\\(?P<sign>[pP])\{(?P<name>\w+)\}")
#: What `re` has no word for; rows with it are left to the package.
_UNKNOWN: Final = ("&&", r"\p{Han}")
#: Rows whose words go on over the end of a line.
_OVER_LINES: Final = ("superbpe",)
#: What a category without ASCII characters becomes inside a class: a character that is not ASCII.
_NOTHING: Final = "\uffff"
_LINE_END: Final = re.compile(r"(?<=[A-Za-z0-9])(?=\n)")
_MOST_REMEMBERED: Final = 1 << 18


def ascii_parts(text: str) -> list[str]:
    """Return a text in parts, as long as can be, that are ASCII or hold what is not.

    It is cut behind an ASCII letter or digit before a line feed: no pattern of a row that
    `ascii_words` takes reaches across that, or looks back over it.
    """
    if text.isascii():
        return [text] if text else []
    return ["".join(part) for _, part in groupby(_LINE_END.split(text), str.isascii)]


def ascii_words(row: Pretokenizer) -> Words | None:
    """Return what cuts ASCII text as the row does; None for a row that is left to the package."""
    if row.raw or row.names[0] in _OVER_LINES:
        return None
    if any(part in pattern for pattern in row.patterns for part in _UNKNOWN):
        return None
    patterns = [re.compile(f"({translated(pattern)})", re.ASCII) for pattern in row.patterns]
    if len(patterns) == 1 and row.patterns[0].endswith(r"|\s+"):  # it matches every character
        return patterns[0].findall
    return _Cutting(patterns).words


@frozen
class _Cutting:
    """Patterns one after the other; what the first two leave is mostly words that come again."""

    patterns: Sequence[re.Pattern[str]]
    remembered: dict[str, list[str]] = field(factory=dict, repr=False)
    """What the patterns from the third on make of a piece: they see nothing but the piece."""

    def words(self, text: str) -> list[str]:
        """Return the pieces that each pattern cuts what the one before it left into."""
        pieces = _cut(self.patterns[:2], [text])
        if len(self.patterns) < 3:
            return pieces
        remembered = self.remembered
        if len(remembered) > _MOST_REMEMBERED:
            remembered.clear()
        for piece in pieces:
            if piece not in remembered:
                remembered[piece] = _cut(self.patterns[2:], [piece])
        return list(chain.from_iterable(map(remembered.__getitem__, pieces)))


def _cut(patterns: Sequence[re.Pattern[str]], pieces: list[str]) -> list[str]:
    for pattern in patterns:
        split = pattern.split
        pieces = [part for piece in pieces for part in split(piece) if part]
    return pieces


def translated(pattern: str) -> str:
    r"""Return a pattern for `re` that matches the same ASCII text.

    >>> translated(r"\p{N}+")
    '[0123456789]+'
    """
    parts, inside, at = [], False, 0
    while at < len(pattern):
        found = _CATEGORY.match(pattern, at)
        if found is not None:
            members = _members(found["name"])
            if found["sign"] == "P":
                members = f"^{members}"
            parts.append(members if inside else f"[{members}]")
            at = found.end()
        elif pattern.startswith(r"\z", at):
            parts.append(r"\Z")
            at += 2
        else:
            size = 2 if pattern[at] == "\\" else 1
            inside = {"[": True, "]": False}.get(pattern[at], inside)
            parts.append(pattern[at : at + size])
            at += size
    return "".join(parts)


@cache
def _members(category: str) -> str:
    """Return the ASCII characters of a category, or of all that begin with its letter."""
    members = (c for c in map(chr, range(128)) if unicodedata.category(c).startswith(category))
    return "".join(map(re.escape, members)) or _NOTHING
