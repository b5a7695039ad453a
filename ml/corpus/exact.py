"""Documents whose text was there before, byte for byte. The first in the order of paths stays."""

import hashlib

from ml.corpus.base import Document, Filter, Judge, Settings


def open_filter(_settings: Settings) -> Judge:
    """Return a judge that remembers the SHA-256 of every text."""
    seen: set[bytes] = set()

    def judge(document: Document) -> Document | None:
        digest = hashlib.sha256(document.text.encode()).digest()
        if digest in seen:
            return None
        seen.add(digest)
        return document

    return judge


FILTER = Filter(name="exact", does="drops copies", open=open_filter)
