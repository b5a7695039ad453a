"""The contract of a filter: each document goes on, goes on changed, or is dropped.

They come one after the other. A filter is opened once for a corpus and may remember what came
before, so the order of the documents counts: it is that of their paths. Nothing is drawn and no
clock is read.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

#: Licences whose code may be in a corpus unless others are named, as SPDX spells them.
ALLOWED_LICENCES: Final = (
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "PSF-2.0",
)

#: Limits of what is held in memory at once, whatever a file says: ids of a vocabulary, bytes of a
#: document, ids of a window.
MOST_TOKENS: Final = 1 << 20
MOST_DOCUMENT_BYTES: Final = 1 << 26
MOST_WINDOW: Final = 1 << 17

#: Called with the name of a step, how much of it is done, and of how much.
Report = Callable[[str, int, int], None]


@frozen(kw_only=True)
class Folder:
    """A folder of Python files under one licence."""

    path: Path
    name: str
    """What it is called in the corpus: paths and hosts stay out of it."""
    licence: str
    """SPDX id of what has no `SPDX-License-Identifier` of its own."""


@frozen(kw_only=True)
class Settings:
    """Everything that decides what a corpus is made of; in the manifest word for word."""

    folders: Sequence[Folder]
    licences: Sequence[str] = ALLOWED_LICENCES
    with_tests: bool = False
    """Whether folders called test, tests or idle_test are read."""
    document_bytes: int = 1 << 20
    """Larger files are dropped."""
    near_jaccard: float = 0.85
    """From this estimated similarity on, a document is a near duplicate."""
    held_out: float = 0.02
    """The share of the packages that is held out."""
    vocabulary: int = 4096
    """Tokens of a tokenizer that is trained."""
    tokenizer: Path | None = None
    """A `tokenizer.json` to be used instead of training one."""
    end_token: str | None = None
    """The token behind each document, where the file's own is not found by its name."""
    training_bytes: int = 8 << 20
    """A tokenizer is trained on about so much of the training side."""
    window: int = 129
    """No so many tokens in a row stand on both sides: one more than a trainer's sequence."""
    shard_tokens: int = 1 << 24
    """Tokens of a shard at the most."""


@frozen(kw_only=True)
class Document:
    """One file on its way into the corpus."""

    path: str
    """Name of its folder and path below it, with `/`."""
    package: str
    """Top-level package or module: what the split goes by."""
    licence: str
    """SPDX id of its folder."""
    data: bytes
    """The file as it was read, at most one byte more than is allowed."""
    text: str = ""
    """Its text, from the filter `utf8` on."""


Judge = Callable[[Document], Document | None]


@frozen(kw_only=True)
class Filter:
    """One row of the list: a name, what it does, and how it is opened."""

    name: str
    """Stands in the manifest and in the metric `dropped`."""
    does: str
    """One line for people."""
    open: Callable[[Settings], Judge]
    """Returns what gives a document back, another in its place, or None."""
