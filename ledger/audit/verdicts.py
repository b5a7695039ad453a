"""Every verdict this ledger gave still follows from its declaration and measured evidence."""

from collections.abc import Iterable

from ledger.audit.base import Finding, Seen
from ledger.entry import Entry, parse_entry, parse_hash
from ledger.errors import LedgerError
from ledger.events import read_event
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.folder import Folder
from ledger.journal.line import parse_line
from ledger.journal.segments import segment_path
from ledger.rules.support import weaknesses
from ledger.rules.verdict import decide, mismatches


class VerdictCheck:
    """Recomputes each verdict from the numbers that the audit itself read."""

    name = "verdicts"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._places: dict[bytes, tuple[int, int, int]] = {}
        self._standings: dict[str, tuple[str, bytes, int]] = {}
        self._verdicts: list[tuple[Seen, VerdictGiven]] = []

    def see(self, seen: Seen) -> Iterable[Finding]:
        """Remember where entries lie, what runs did, and which verdicts were given."""
        entry = seen.entry
        if entry is None or entry.kind == "step.taken" or entry.kind.endswith(".reported"):
            return ()
        self._places[seen.hash] = (seen.segment, seen.offset, seen.position)
        try:
            event = read_event(entry.kind, entry.schema_version, entry.body)
        except LedgerError:
            return ()  # the check of streams reports it
        if isinstance(event, VerdictGiven):
            self._verdicts.append((seen, event))
        if not hasattr(event, "standings"):
            return ()
        for key, value in event.standings():
            self._standings[key] = (value, seen.hash, seen.position)
        return ()

    def finish(self) -> Iterable[Finding]:
        """One finding for each verdict: by what it holds, or why it does not."""
        for seen, verdict in self._verdicts:
            try:
                reasons = list(self._reasons(verdict))
            except LedgerError as error:
                reasons = [error.message]
            what = f"{verdict.criterion} is {verdict.status}"
            number = f"{verdict.metric} = {verdict.value} {verdict.unit or ''}".strip()
            demand = f"{verdict.operator} {verdict.threshold}"
            if reasons:
                message = f"{what}, but: {'; '.join(reasons)}"
                yield seen.finding("unsupported", self.name, message)
            else:
                at = self.position_of(parse_hash(verdict.evidence))
                message = f"{what}: {number} ({demand}), measured at position {at}"
                yield seen.finding("holds", self.name, message)

    def _reasons(self, verdict: VerdictGiven) -> Iterable[str]:
        criterion = self._event(verdict.declaration)
        evidence = self._event(verdict.evidence)
        if not isinstance(criterion, CriterionDeclared):
            yield f"its declaration {verdict.declaration} is not in this ledger"
            return
        if not isinstance(evidence, MeasurementTaken):
            yield f"its evidence {verdict.evidence} is not in this ledger"
            return
        yield from mismatches(criterion, evidence)
        yield from weaknesses(parse_hash(verdict.evidence), self)
        for name, wanted in decide(criterion, evidence).items():
            if getattr(verdict, name) != wanted:
                yield f"{name} is {getattr(verdict, name)!r}; the numbers give {wanted!r}"

    def _event(self, hash_: str) -> object:
        found = self.read(parse_hash(hash_))
        if found is None:
            return None
        entry = found[0]
        return read_event(entry.kind, entry.schema_version, entry.body)

    def standing(self, key: str) -> tuple[str, bytes, int] | None:
        """The latest value of a key, as the audit read it."""
        return self._standings.get(key)

    def position_of(self, hash_: bytes) -> int | None:
        """The position of an entry, as the audit read it."""
        place = self._places.get(hash_)
        return place[2] if place else None

    def read(self, hash_: bytes) -> tuple[Entry, int] | None:
        """An entry, read again from its segment."""
        place = self._places.get(hash_)
        if place is None:
            return None
        segment, offset, position = place
        with segment_path(self._folder.journal, segment).open("rb") as file:
            file.seek(offset)
            return parse_entry(parse_line(file.readline()).entry), position
