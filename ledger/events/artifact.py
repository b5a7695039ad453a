"""Events of artifacts: what was made from what, what was published, how two results compare."""

from collections.abc import Iterable

from ledger import ids
from ledger.events.base import EntryHash, Event, FileDigest, event


@event("artifact.made", version=1, family="decided", stream="ledger")
class ArtifactMade(Event):
    """A file that a run made: its digest, and the digests of what it was made from."""

    artifact: str
    """Name of the artifact."""
    digest: FileDigest
    """SHA-256 of its bytes, as sha256:HEX."""
    size_bytes: int
    """Its size."""
    run: str
    """The run that made it."""
    inputs: dict[str, FileDigest]
    """Digest of each input by role, such as teacher or student."""

    def problems(self) -> Iterable[str]:
        """Names and digests of the right form."""
        if not ids.is_id(self.artifact):
            yield f"artifact: {self.artifact!r} cannot be a name (letters, digits, . _ + -)"
        for role, digest in [("digest", self.digest), *sorted(self.inputs.items())]:
            if not ids.is_hash(digest):
                yield f"{role}: {digest!r} is no digest (sha256: and 64 hex digits)"
        if self.size_bytes < 0:
            yield f"size_bytes: {self.size_bytes} is no size"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The artifact exists."""
        return ((f"artifact/{self.artifact}", self.digest),)


@event("artifact.published", version=1, family="decided", stream="ledger")
class ArtifactPublished(Event):
    """An artifact was given out: every blocking row of its model stood DISCHARGED."""

    artifact: str
    """Name of the artifact."""
    digest: FileDigest
    """SHA-256 of its bytes, as sha256:HEX."""
    model: str
    """The model whose rows had to be met."""
    place: str
    """Where it was published."""

    def problems(self) -> Iterable[str]:
        """A digest of the right form."""
        if not ids.is_hash(self.digest):
            yield f"digest: {self.digest!r} is no digest (sha256: and 64 hex digits)"

    def standings(self) -> Iterable[tuple[str, str]]:
        """It is published."""
        return ((f"published/{self.artifact}", self.digest),)


@event("pair.compared", version=1, family="decided", stream="ledger")
class PairCompared(Event):
    """Two measurements held against each other: everything is equal but one thing."""

    metric: str
    """The metric of both."""
    unit: str | None
    """The unit of both."""
    value_a: int | float
    """The value of the first."""
    value_b: int | float
    """The value of the second."""
    differs: str
    """The one field in which they differ: of their keys, or of their runs' arguments."""
    a: EntryHash
    """The first measurement."""
    b: EntryHash
    """The second measurement."""
