"""Names that appear in entries: their grammar, in one place (spec/formats/entry.md).

Every grammar is ASCII, so that no two spellings of one name can look alike.
"""

import re
from typing import Final

HASH_PREFIX: Final = "sha256:"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_HASH_PREFIX = re.compile(r"sha256:[0-9a-f]{6,64}")
_WORD = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"
_KIND = re.compile(rf"(?=.{{1,64}}$){_WORD}\.{_WORD}")
_ROOM = r"[a-z][a-z0-9_]{0,31}"
_ACTOR = re.compile(rf"({_ROOM}):[A-Za-z0-9][A-Za-z0-9._@+-]{{0,63}}")
# A path of names: no part is empty or begins with a dot, since keys are filed under origins.
_PART = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
_ORIGIN = re.compile(rf"(?=.{{1,128}}$){_PART}(?:/{_PART})*")
_BRANCH = re.compile(rf"(?=.{{1,64}}$){_PART}(?:/{_PART})*")
_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}"
_ID = re.compile(_NAME)
_STREAM = re.compile(rf"ledger|(?!ledger/)({_ROOM})/{_NAME}")

#: What this program records. A reader takes any room and any type of actor of the same form, so
#: that entries of later programs stay readable.
STREAM_ROOMS: Final = ("run", "row", "claim", "section", "import")
ACTOR_TYPES: Final = ("human", "agent", "executor")


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
    """Whether `text` is `type:NAME`."""
    return _ACTOR.fullmatch(text) is not None


def is_known_actor(text: str) -> bool:
    """Whether `text` is `human:NAME`, `agent:NAME` or `executor:NAME`."""
    match = _ACTOR.fullmatch(text)
    return match is not None and match[1] in ACTOR_TYPES


def is_origin(text: str) -> bool:
    """Whether `text` can name a ledger, such as `example.org/lab/7b`."""
    return _ORIGIN.fullmatch(text) is not None


def is_branch(text: str) -> bool:
    """Whether `text` can name a branch (null, not a name, is the main line)."""
    return _BRANCH.fullmatch(text) is not None


def is_id(text: str) -> bool:
    """Whether `text` can name a run, row, claim or import."""
    return _ID.fullmatch(text) is not None


def is_stream(text: str) -> bool:
    """Whether `text` is a stream such as `run/trace-0001` or `ledger`."""
    return _STREAM.fullmatch(text) is not None


def is_known_stream(text: str) -> bool:
    """Whether `text` is a stream of a room that this program records into."""
    match = _STREAM.fullmatch(text)
    return match is not None and match[1] in (None, *STREAM_ROOMS)


def qualify(name: str, origin: str, own: str) -> str:
    """A name as this ledger (`own`) speaks of it: those of other origins as `origin:name`.

    Two ledgers may have given one name to two things. No name of an entry holds a colon.
    """
    return name if origin == own else f"{origin}:{name}"
