"""Documents under a licence that is not on the list.

The licence of a document is the `SPDX-License-Identifier` of its first 4,096 characters, else that
of its folder. In an expression, one side of `OR` must be allowed, and both of `AND`.
"""

import re
from collections.abc import Collection
from typing import Final

from ml.corpus.base import Document, Filter, Judge, Settings

_HEAD: Final = 4096
_OWN: Final = re.compile(r"SPDX-License-Identifier:[ \t]*([^\r\n]*)")
_WORDS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


def open_filter(settings: Settings) -> Judge:
    """Return a judge that drops what may not be used."""
    allowed = frozenset(settings.licences)

    def judge(document: Document) -> Document | None:
        return document if is_allowed(licence_of(document), allowed) else None

    return judge


def licence_of(document: Document) -> str:
    """Return the licence that a document states, else that of its folder."""
    own = _OWN.search(document.text[:_HEAD])
    return own[1] if own else document.licence


def is_allowed(expression: str, allowed: Collection[str]) -> bool:
    """Return whether an SPDX expression of ids, AND, OR and no nesting is covered by ids.

    >>> is_allowed("GPL-3.0-only OR MIT", {"MIT"}), is_allowed("MIT AND GPL-2.0", {"MIT"})
    (True, False)
    """
    if "(" in expression and re.search(r"\bAND\b", expression):
        return False  # which side an AND belongs to is not told apart here
    choices = [_WORDS.findall(part) for part in re.split(r"\bOR\b", expression)]
    named = [[word for word in choice if word != "AND"] for choice in choices]
    return any(ids and all(word in allowed for word in ids) for ids in named)


FILTER = Filter(name="licence", does="drops what its licence keeps out", open=open_filter)
