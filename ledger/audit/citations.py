"""Citations point to earlier entries of this ledger."""

from collections.abc import Iterable

from ledger.audit.base import Check, Finding, finding_at
from ledger.audit.index import Index
from ledger.entry import format_hash
from ledger.folder import Folder


class CitationCheck(Check):
    """Every hash in `cites`, and in fields that name entries, was recorded before."""

    name = "citations"

    def __init__(self, folder: Folder) -> None:
        """Nothing to prepare: the index has every citation."""

    def finish(self, index: Index) -> Iterable[Finding]:
        """What an entry rests on is there."""
        for place, cited in index.dangling():
            found = index.read(place)
            if found is None:
                continue  # changed since it was read
            what = f"{found.entry.kind} cites {format_hash(cited)}"
            message = f"{what}, which was not recorded before it"
            yield finding_at(found.position, found.hash, "unsupported", self.name, message)
