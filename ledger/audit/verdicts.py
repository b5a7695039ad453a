"""Every verdict this ledger gave still follows from its declaration and measured evidence."""

from collections.abc import Iterable
from typing import Any

import attrs

from ledger.audit.base import Check, Finding, Seen, finding_at
from ledger.audit.index import Index
from ledger.audit.standings import AuditedRecord, Setting, Standings
from ledger.entry import parse_hash
from ledger.errors import LedgerError
from ledger.events.base import UnknownEvent
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.folder import Folder
from ledger.rules.comparability import mismatches
from ledger.rules.control import control_problems
from ledger.rules.provenance import unfit
from ledger.rules.samples import too_few
from ledger.rules.standing import premise_problem
from ledger.rules.verdict import differences


@attrs.frozen(slots=True)
class _Given:
    """A verdict, and where it stands."""

    position: int
    hash: bytes
    branch: str | None
    cites: tuple[str, ...]
    verdict: VerdictGiven


class VerdictCheck(Check):
    """Recomputes each verdict from the numbers that the audit itself read."""

    name = "verdicts"

    def __init__(self, folder: Folder) -> None:
        self._here: tuple[list[Setting], list[_Given]] = [], []
        self._given: list[_Given] = []
        self._standings = Standings(folder.origin)

    def see(self, seen: Seen) -> Iterable[Finding]:
        """Remember what runs did, and which verdicts were given."""
        event, entry = seen.event, seen.entry
        if entry is None or event is None or isinstance(event, UnknownEvent):
            return ()  # what has no form, the check of streams reports
        sets, given = self._here
        if isinstance(event, VerdictGiven):
            given.append(_Given(seen.position, seen.hash, entry.branch, entry.cites, event))
        for key, value in event.standings():
            sets.append(Setting(seen.position, seen.hash, entry.branch, entry.origin, key, value))
        return ()

    def collect(self) -> Any:  # noqa: ANN401 - see `merge`
        """What this range sets, and its verdicts."""
        collected, self._here = self._here, ([], [])
        return collected

    def merge(self, collected: Any, index: Index) -> Iterable[Finding]:  # noqa: ANN401 - as above
        """Later settings replace earlier ones, on each branch."""
        sets, given = collected
        for found in sets:
            self._standings.take(found, index.branches)
        self._given += given
        return ()

    def finish(self, index: Index) -> Iterable[Finding]:
        """One finding for each verdict: by what it holds, or why it does not."""
        record = AuditedRecord(index, self._standings)
        record.load(parse_hash(cited) for given in self._given for cited in _named(given))
        for given in self._given:
            record.branch = index.branches.branch_at(given.position) or given.branch
            yield self._finding(given, record)

    def _finding(self, given: _Given, record: AuditedRecord) -> Finding:
        """What holds a verdict up, or what does not. One that was replaced since may fall."""
        verdict = given.verdict
        what = f"{verdict.criterion} is {verdict.status}"
        wrong, fallen = [], []
        try:
            wrong = list(_reasons(verdict, record))
            fallen = list(_fallen(given, record))
        except LedgerError as error:
            wrong.append(error.message)
        latest = record.standing(f"{verdict.room}/{verdict.criterion}")
        if wrong or (fallen and (latest is None or latest[1] == given.hash)):
            message = f"{what}, but: {'; '.join([*wrong, *fallen])}"
            return finding_at(given.position, given.hash, "unsupported", self.name, message)
        if fallen and latest is not None:
            message = (
                f"{verdict.criterion} was {verdict.status}, until: {'; '.join(fallen)}; it is "
                f"{latest[0]} since position {latest[2]}"
            )
            return finding_at(given.position, given.hash, "note", self.name, message)
        number = f"{verdict.metric} = {verdict.value} {verdict.unit or ''}".strip()
        demand = f"{verdict.operator} {verdict.threshold}"
        at = record.position_of(parse_hash(verdict.evidence))
        hoc = ", post hoc" if verdict.seen is not None else ""
        message = f"{what}{hoc}: {number} ({demand}), measured at position {at}"
        return finding_at(given.position, given.hash, "holds", self.name, message)


def _named(given: _Given) -> Iterable[str]:
    """The hashes that a verdict is looked up by: its fields, and its premises."""
    verdict = given.verdict
    yield from given.cites
    for named in (verdict.declaration, verdict.evidence, verdict.control):
        if named is not None:
            yield named


def _fallen(given: _Given, record: AuditedRecord) -> Iterable[str]:
    """What the verdict rested on when it was given, and cannot rest on now."""
    criterion = record.event(parse_hash(given.verdict.declaration))
    evidence = parse_hash(given.verdict.evidence)
    if isinstance(criterion, CriterionDeclared) and record.read(evidence) is not None:
        yield from unfit(criterion, evidence, record)
    for cited in given.cites:
        found = record.read(parse_hash(cited))
        problem = premise_problem(*found, record, now_us=0) if found is not None else None
        if problem is not None:
            yield f"it rests on {problem}"


def _reasons(verdict: VerdictGiven, record: AuditedRecord) -> Iterable[str]:
    evidence_hash = parse_hash(verdict.evidence)
    criterion = record.event(parse_hash(verdict.declaration))
    evidence = record.event(evidence_hash)
    if not isinstance(criterion, CriterionDeclared):
        yield f"its declaration {verdict.declaration} is not in this ledger"
        return
    if not isinstance(evidence, MeasurementTaken):
        yield f"its evidence {verdict.evidence} is not in this ledger"
        return
    yield from mismatches(criterion, evidence)
    yield from too_few(evidence)
    if verdict.control is not None:
        yield from control_problems(criterion, evidence_hash, parse_hash(verdict.control), record)
    elif criterion.control_metric is not None:
        yield "its criterion asks for a control, and none is named"
    yield from differences(verdict, criterion, evidence)
