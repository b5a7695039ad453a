"""Withheld values: how a body commits to a value it does not show, and the event that removes it.

`withheld:sha256:<64 hex digits>` in place of a value is a commitment: the digest of a blob that
holds the value and a salt (spec/formats/commitment.md). The blob can be taken away; what was
recorded stays as it was.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final

from ledger import ids
from ledger.events.base import Event, event

MARK: Final = "withheld:"
_COMMITMENT: Final = re.compile(r"withheld:(sha256:[0-9a-f]{64})")
#: Annotation of a field that names a commitment's blob: it is one that may be gone.
CommitmentDigest = Annotated[str, "commitment"]


@event("blob.withheld", version=1, family="decided", stream="ledger")
class BlobWithheld(Event):
    """A committed value was taken away; what the entries said of it stays as it was."""

    blob: CommitmentDigest
    """Digest of the blob that held value and salt."""
    reason: str
    """Why, in words."""

    def problems(self) -> Iterable[str]:
        """A digest, and a reason that somebody can read."""
        if not ids.is_hash(self.blob):
            yield f"blob: {self.blob!r} is not sha256: and 64 hex digits"
        if not self.reason.strip():
            yield "reason: say why in words"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The value is withheld from here on."""
        return ((f"withheld/{self.blob}", self.reason),)


def commitment_digest(text: str) -> str | None:
    """The digest in the text of a commitment; None where it is none."""
    match = _COMMITMENT.fullmatch(text)
    return match[1] if match else None


def commitments_in(body: object) -> list[str]:
    """The digests of all commitments in a body, each once, in the order of their places."""
    found = (commitment_digest(text) for text in texts_in(body))
    return list(dict.fromkeys(digest for digest in found if digest is not None))


def commitment_places(body: object, path: str = "") -> Iterator[tuple[str, str]]:
    """(place, digest) of each commitment in a body; a place is a dotted path."""
    for place, text in _places(body, path):
        digest = commitment_digest(text)
        if digest is not None:
            yield place, digest


def texts_in(value: object) -> Iterator[str]:
    """Every text in a JSON value that stands for a value, keys left out."""
    return (text for _, text in _places(value, ""))


def _places(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        yield path, value
        return
    items: Iterable[tuple[object, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    for key, item in items:
        yield from _places(item, f"{path}.{key}" if path else str(key))
