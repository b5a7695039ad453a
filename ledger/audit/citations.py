"""Citations point to earlier entries of this ledger."""

from collections.abc import Iterable

from ledger.audit.base import Finding, Seen
from ledger.entry import parse_hash
from ledger.events import KINDS
from ledger.events.form import references
from ledger.folder import Folder
from ledger.ids import is_hash


class CitationCheck:
    """Every hash in `cites`, and in fields that name entries, was recorded before."""

    name = "citations"

    def __init__(self, folder: Folder) -> None:  # noqa: ARG002 - the contract of a check
        self._known: set[bytes] = set()

    def see(self, seen: Seen) -> Iterable[Finding]:
        """What the entry rests on is there."""
        entry = seen.entry
        if entry is not None:
            named: list[str] = []
            if entry.kind in KINDS:
                named = [
                    h for h in references(KINDS[entry.kind], entry.body, "entry") if is_hash(h)
                ]
            for cited in dict.fromkeys((*entry.cites, *named)):
                if parse_hash(cited) not in self._known:
                    message = f"{entry.kind} cites {cited}, which was not recorded before it"
                    yield seen.finding("unsupported", self.name, message)
        self._known.add(seen.hash)

    def finish(self) -> Iterable[Finding]:
        """Nothing is left to say."""
        return ()
