"""Cutting text at tokens that stand for themselves, before anything else happens to it.

llama.cpp's way: the longest token (in bytes) first, each at its leftmost places, then the next
longest in what is left. User-defined tokens are always cut out, control tokens only when asked.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import field, frozen

_SPACES: Final = " \t\n\v\f\r"
# A token that was cut out, or text between two of them.
Fragment = int | str


@frozen
class Cutter:
    """Tokens that are cut out of texts."""

    by_text: Mapping[str, int] = field(repr=False)
    """In the order in which they are looked for."""
    look: re.Pattern[str] = field(repr=False)
    """The first two characters of each token: most texts are passed on with one look."""
    strips_behind: frozenset[int] = frozenset()
    """Tokens that take the spaces behind them with them."""

    @classmethod
    def of(
        cls, tokens: Sequence[str], ids: Iterable[int], strips_behind: Iterable[int] = ()
    ) -> "Cutter":
        """Return the cutter of these ids; of equal lengths the lowest id comes first."""
        ordered = sorted(ids, key=lambda token: (-len(tokens[token].encode()), token))
        by_text = {tokens[token]: token for token in ordered if tokens[token]}
        heads = sorted({text[:2] for text in by_text})
        look = re.compile("|".join(map(re.escape, heads)) if heads else "(?!)")
        return cls(by_text, look, frozenset(strips_behind))

    def cut(self, text: str) -> list[Fragment]:
        """Return tokens and what lies between them, none of it empty."""
        if not text or self.look.search(text) is None:
            return [text] if text else []
        fragments: list[Fragment] = [text]
        for word, token in self.by_text.items():
            if word in text:
                behind = token in self.strips_behind
                fragments = _cut_at(fragments, word, token, strips_behind=behind)
        return fragments


def _cut_at(
    fragments: list[Fragment], word: str, token: int, *, strips_behind: bool
) -> list[Fragment]:
    """Return fragments with one token cut out of those that are text."""
    found = list[Fragment]()
    for fragment in fragments:
        if isinstance(fragment, int) or word not in fragment:
            found.append(fragment)
            continue
        first, *others = fragment.split(word)
        if first:
            found.append(first)
        for other in others:
            found.append(token)
            kept = other.lstrip(_SPACES) if strips_behind else other
            if kept:
                found.append(kept)
    return found
