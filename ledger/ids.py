"""Names that appear in entries: their grammar, in one place (spec/formats/entry.md).

Every grammar is ASCII, so that no two spellings of one name can look alike.
"""

import re
from typing import Final

HASH_PREFIX: Final = "sha256:"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_HASH_PREFIX = re.compile(r"sha256:[0-9a-f]{6,64}")
_KIND = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\.[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_ACTOR = re.compile(r"(human|agent|executor):[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_ORIGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,127}")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}"
_ID = re.compile(_NAME)
_STREAM = re.compile(rf"ledger|(?:run|row|claim|section|import)/{_NAME}")

#: The kinds of stream, as DESIGN calls them; a stream is one of these with a name, or `ledger`.
STREAM_ROOMS: Final = ("run", "row", "claim", "section", "import", "ledger")


def is_hash(text: str) -> bool:
    """Whether `text` is an entry hash or digest as printed: `sha256:` and 64 hex digits."""
    return _HASH.fullmatch(text) is not None


def is_hash_prefix(text: str) -> bool:
    """Whether `text` is the beginning of a printed hash, long enough to be typed on purpose."""
    return _HASH_PREFIX.fullmatch(text) is not None


def is_kind(text: str) -> bool:
    """Whether `text` has the form noun.past_participle."""
    return _KIND.fullmatch(text) is not None


def is_actor(text: str) -> bool:
    """Whether `text` is `human:NAME`, `agent:NAME` or `executor:NAME`."""
    return _ACTOR.fullmatch(text) is not None


def is_origin(text: str) -> bool:
    """Whether `text` can name a ledger, such as `example.org/lab/7b`."""
    return _ORIGIN.fullmatch(text) is not None and "//" not in text


def is_branch(text: str) -> bool:
    """Whether `text` can name a branch (null, not a name, is the main line)."""
    return _BRANCH.fullmatch(text) is not None


def is_id(text: str) -> bool:
    """Whether `text` can name a run, row, claim or import."""
    return _ID.fullmatch(text) is not None


def is_stream(text: str) -> bool:
    """Whether `text` is a stream such as `run/trace-0001` or `ledger`."""
    return _STREAM.fullmatch(text) is not None
