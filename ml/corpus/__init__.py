"""A corpus: folders of Python files made into shards of token ids, and everything known of them.

FILTERS is the list of what a document passes, in this order; the contract is in `base.py`. What
comes behind: `split.py`, `vocabulary.py`, `encoding.py`, `windows.py`, `shards.py`, `ngrams.py`;
`building.py` goes through all of it, `checking.py` looks at the result again, and `reader.py` is
what a trainer reads it with. The files are described in spec/formats/corpus.md.
"""

from typing import Final

from ml.corpus import exact, licence, near, personal, secrets, size, utf8
from ml.corpus.base import Filter

FILTERS: Final[tuple[Filter, ...]] = (
    size.FILTER,
    utf8.FILTER,
    licence.FILTER,
    secrets.FILTER,
    personal.FILTER,
    exact.FILTER,
    near.FILTER,
)

__all__ = ["FILTERS", "Filter"]
