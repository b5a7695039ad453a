"""Numbers of sections and versions of the specification follow one another, each given once."""

from collections.abc import Iterable
from typing import Any, Final

from ledger.audit.base import Check, Finding, Seen, Severity, finding_at
from ledger.audit.index import Index
from ledger.events.section import SectionOpened, SectionPublished
from ledger.folder import Folder

#: What is counted: (origin, section or version).
_Key = tuple[str, str]
#: A number that was given: its number, and the position and hash of the entry that gives it.
_Given = tuple[int, int, bytes]
_NUMBERS: Final = {
    SectionOpened: ("section", "number"),
    SectionPublished: ("version", "to_version"),
}


class SectionCheck(Check):
    """Sections and versions are numbered from 1 without a gap, and no number is given twice."""

    name = "sections"

    def __init__(self, folder: Folder) -> None:  # noqa: ARG002 - nothing to prepare
        """Nothing to prepare: numbers are gathered as they are read."""
        self._seen: list[tuple[_Key, _Given]] = []
        self._given: dict[_Key, list[_Given]] = {}

    def see(self, seen: Seen) -> Iterable[Finding]:
        """Nothing is wrong with a number by itself; it is kept for `finish`."""
        what = _NUMBERS.get(type(seen.event))
        if what is not None and seen.entry is not None:
            number = getattr(seen.event, what[1])
            key = (seen.entry.origin, what[0])
            self._seen.append((key, (number, seen.position, seen.hash)))
        return ()

    def collect(self) -> Any:  # noqa: ANN401 - see `merge`
        """The numbers of this range."""
        collected, self._seen = self._seen, []
        return collected

    def merge(self, collected: Any, index: Index) -> Iterable[Finding]:  # noqa: ANN401, ARG002
        """Keep the numbers of a range."""
        for key, given in collected:
            self._given.setdefault(key, []).append(given)
        return ()

    def finish(self, index: Index) -> Iterable[Finding]:  # noqa: ARG002 - the numbers say it all
        """A note for each gap; a number that was given twice is not supported."""
        for (_, what), given in sorted(self._given.items()):
            before = 0
            for number, position, hash_ in sorted(given):
                severity: Severity = "note"
                if number == before:
                    severity, message = "unsupported", f"{what} {number} was given twice"
                elif number > before + 2:
                    message = f"{what}s {before + 1} to {number - 1} are missing before {number}"
                else:
                    message = f"{what} {before + 1} is missing before {number}"
                if number != before + 1:
                    yield finding_at(position, hash_, severity, self.name, message)
                before = max(before, number)
