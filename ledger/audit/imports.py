"""What was taken over from another ledger is what the event before it says."""

from collections.abc import Iterable

from ledger.audit.base import Check, Finding, finding_at
from ledger.audit.index import Index
from ledger.entry import parse_hash
from ledger.folder import Folder


class ImportCheck(Check):
    """After each branch.imported as many entries follow as it says, up to the head it names."""

    name = "imports"

    def __init__(self, folder: Folder) -> None:
        """Nothing to prepare: the index has every import."""

    def finish(self, index: Index) -> Iterable[Finding]:
        """The head of each import is where it should be."""
        imports = index.branches.imports
        places = index.find({parse_hash(found.head) for found in imports})
        for found in imports:
            place = places.get(parse_hash(found.head))
            head = index.read(place) if place is not None else None
            if head is None or head.position != found.last:
                count = found.last - found.first + 1
                message = (
                    f"branch.imported counts {count} entries up to {found.head}, "
                    f"which is not at position {found.last}"
                )
                place_ = found.first - 1, found.said_in
                yield finding_at(*place_, "broken", self.name, message)
