"""Judging: each declared criterion against the newest measurement that is evidence for it.

The verdict is a function of numbers (`ledger.rules.verdict`). No evidence means `unknown`, and
nothing is recorded; a verdict that changes nothing is not recorded again.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from ledger import canonical
from ledger.commands.marking import marks_for
from ledger.draft import MAX_BATCH
from ledger.entry import parse_hash
from ledger.errors import BadArguments
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.ledger import Ledger
from ledger.recorder import Draft
from ledger.rules import post_hoc, premises, refutation
from ledger.rules.base import Proposal, Record
from ledger.rules.control import find_control
from ledger.rules.no_change import says_the_same
from ledger.rules.provenance import unfit
from ledger.rules.requirements import waiting_for
from ledger.rules.samples import too_few
from ledger.rules.standing import event_at, row_status
from ledger.rules.verdict import decide
from ledger.state import State
from ledger.statuses import legal_moves
from ledger.store.reader import open_reader

if TYPE_CHECKING:
    import duckdb

_CRITERIA: Final = "select name, hash from criteria where not reported order by position"
#: The demands that count: a later one that is post hoc is judged beside them.
_STRICT: Final = (
    "select name, hash from criteria where not reported and seen is null order by position"
)
_CANDIDATES: Final = """
select metric, unit, key, position, hash from measurements
where metric in (select unnest(?::varchar[])) order by position desc
"""

#: Rules that refuse a verdict for something else than its own numbers.
_BEYOND: Final = (premises.RULE, refutation.RULE, post_hoc.RULE)

#: By metric and unit, then by comparability key: the key with encoded values, and the measurements
#: that have it as (position, hash), newest first. Thousands of criteria ask about a few keys.
Keyed = dict[str, tuple[Mapping[str, bytes], list[tuple[int, str]]]]
Candidates = Mapping[tuple[str, str | None], Keyed]


@attrs.frozen(slots=True, kw_only=True)
class Judgement:
    """What came out for one criterion. `status` is `unknown` where there is no evidence."""

    criterion: str
    status: str
    value: object
    operator: str
    threshold: object
    unit: str | None
    evidence: str | None
    attempts: int
    post_hoc: bool
    note: str


def judge(ledger: Ledger, names: Sequence[str], *, actor: str | None = None) -> list[Judgement]:
    """Judge the named criteria (all, if none is named) and record the verdicts that are new.

    The runs that their evidence is from are looked at by the monitors first; what these find is
    recorded, too, and the numbers of a marked run are no evidence.
    Raises `BadArguments` for a name that was not declared, and what `Ledger.append` raises.
    """
    with open_reader(ledger.folder) as db:
        record = _caught_up(ledger)  # what the reader sees, the state can read
        declared = dict(db.execute(_CRITERIA).fetchall())  # the latest declaration of each
        strict = dict(db.execute(_STRICT).fetchall())
        unknown = [name for name in names if name not in declared]
        if unknown:
            raise BadArguments(
                f"not declared: {', '.join(unknown)}", hint="`ledger query criteria` lists them"
            )
        cases = []
        for name in dict.fromkeys(names or declared):
            for hash_ in dict.fromkeys((strict[name], declared[name])):
                criterion = event_at(parse_hash(hash_), CriterionDeclared, record)
                if criterion is not None:
                    cases.append((criterion, hash_))
        candidates = _candidates(db, {criterion.metric for criterion, _ in cases})
        looked_at: set[str] = set()
        while True:
            judgements, drafts = _judge_all(record, candidates, cases, ledger.now_us())
            runs = _runs_behind(record, judgements) - looked_at
            marks = [draft for _, draft in marks_for(db, record, runs)]
            if not marks:
                break
            ledger.append(marks, actor=actor)
            record = _caught_up(ledger)
            looked_at |= runs
    for first in range(0, len(drafts), MAX_BATCH):
        ledger.append(drafts[first : first + MAX_BATCH], actor=actor)
    order = {name: place for place, name in enumerate(dict.fromkeys(names or declared))}
    return sorted(judgements, key=lambda judgement: order[judgement.criterion])


def _caught_up(ledger: Ledger) -> State:
    with ledger.recorder.caught_up() as record:
        return record


def _judge_all(
    record: State,
    candidates: Candidates,
    cases: Sequence[tuple[CriterionDeclared, str]],
    now_us: int,
) -> tuple[list[Judgement], list[Draft]]:
    """One round over all cases: what to tell, and the verdicts that are new."""
    judging = _Judging(record, candidates, now_us)
    judgements, drafts = [], []
    for criterion, declaration in _in_order(cases):
        draft, judgement = judging.judge(criterion, declaration)
        judgements.append(judgement)
        drafts += [draft] if draft is not None else []
    return judgements, drafts


def _runs_behind(record: State, judgements: Iterable[Judgement]) -> set[str]:
    """The runs of this ledger that the evidence of judgements was measured in."""
    found = set()
    for judgement in judgements:
        read = record.read(parse_hash(judgement.evidence)) if judgement.evidence else None
        if read is not None and read[0].origin == record.origin:
            found.add(str(read[0].body.get("run")))
    return found


def _candidates(db: "duckdb.DuckDBPyConnection", metrics: Iterable[str]) -> Candidates:
    found: dict[tuple[str, str | None], Keyed] = {}
    rows = db.execute(_CANDIDATES, [sorted(metrics)]).fetchall()
    for metric, unit, key, position, hash_ in rows:
        keyed = found.setdefault((metric, unit), {})
        if key not in keyed:
            decoded = msgspec.json.decode(key)
            keyed[key] = {name: canonical.encode(value) for name, value in decoded.items()}, []
        keyed[key][1].append((position, hash_))
    return found


def _in_order(
    cases: Sequence[tuple[CriterionDeclared, str]],
) -> Iterator[tuple[CriterionDeclared, str]]:
    """Rows after the rows that they require, else as they come."""
    left: dict[str, list[tuple[CriterionDeclared, str]]] = {}
    for criterion, hash_ in cases:
        left.setdefault(criterion.criterion, []).append((criterion, hash_))

    def take(name: str) -> Iterator[tuple[CriterionDeclared, str]]:
        for case in left.pop(name, ()):
            for row in case[0].requires or ():
                yield from take(row)
            yield case

    for criterion, _ in cases:
        yield from take(criterion.criterion)


class _Judging:
    """One round over many criteria; rows that were just judged count for those that need them."""

    def __init__(self, record: Record, candidates: Candidates, now_us: int) -> None:
        self._now_us = now_us
        self._record = record
        self._candidates = candidates
        self._fit: dict[tuple[str, str], list[str]] = {}
        self._judged: dict[str, str] = {}

    def judge(
        self, criterion: CriterionDeclared, declaration: str
    ) -> tuple[Draft | None, Judgement]:
        """The verdict to record, if any, and what to tell."""
        matching = self._matching(criterion)
        reasons: list[str] = []
        for index, evidence in enumerate(matching):
            weak = self._weak(criterion, evidence)
            if not weak:
                attempts = len(matching) - index
                draft, judgement = self._verdict(criterion, declaration, evidence, attempts)
                if reasons:
                    newer = f"newer evidence does not count: {'; '.join(dict.fromkeys(reasons))}"
                    note = "; ".join(filter(None, (judgement.note, newer)))
                    judgement = attrs.evolve(judgement, note=note)
                return draft, judgement
            reasons += weak
        unmeasured = f"nothing measured {criterion.metric} for it yet"
        note = "; ".join(dict.fromkeys(reasons)) if reasons else unmeasured
        return None, _judgement(criterion, note=note)

    def _matching(self, criterion: CriterionDeclared) -> list[str]:
        """Measurements of its metric and unit that are about what it is bound to, newest first."""
        wanted = {name: canonical.encode(value) for name, value in criterion.binding.items()}
        keyed = self._candidates.get((criterion.metric, criterion.unit), {})
        found = [measured for key, measured in keyed.values() if wanted.items() <= key.items()]
        return [hash_ for _, hash_ in heapq.merge(*found, reverse=True)]

    def _weak(self, criterion: CriterionDeclared, evidence: str) -> list[str]:
        """Why a measurement cannot carry the verdict; the same for criteria of the same terms."""
        terms = (repr((criterion.provenance, criterion.rests_on)), evidence)
        if terms not in self._fit:
            hash_ = parse_hash(evidence)
            measurement = event_at(hash_, MeasurementTaken, self._record)
            few = list(too_few(measurement)) if measurement is not None else []
            self._fit[terms] = [*unfit(criterion, hash_, self._record), *few]
        return self._fit[terms]

    def _verdict(
        self, criterion: CriterionDeclared, declaration: str, evidence: str, attempts: int
    ) -> tuple[Draft | None, Judgement]:
        measurement = event_at(parse_hash(evidence), MeasurementTaken, self._record)
        assert measurement is not None
        control = find_control(criterion, parse_hash(evidence), self._record)
        fields = decide(criterion, measurement) | {"control": control}
        note = self._obstacle(criterion, fields, control)
        if note:
            return None, _judgement(criterion, note=note, attempts=attempts)
        row, status = criterion.criterion, fields["status"]
        room = "verdict" if criterion.seen is None else "post_hoc"
        since = says_the_same(row, status, declaration, room, self._record)
        if criterion.seen is None:
            self._judged[row] = status
        note = f"stands since position {since}" if since >= 0 else ""
        if criterion.seen is not None:
            note = f"post hoc: the threshold moved after {criterion.seen[:19]}… was seen; {note}"
        judgement = _judgement(
            criterion, status=status, value=fields["value"], evidence=evidence,
            attempts=attempts, note=note.rstrip("; "),
        )  # fmt: skip
        if since >= 0:
            return None, judgement
        verdict = VerdictGiven(**fields, declaration=declaration, evidence=evidence)
        cites = (declaration, evidence, *([control] if control else []))
        refused = list(self._refusals(verdict, cites))
        if refused:
            if criterion.seen is None:
                self._judged[row] = "unknown"
            return None, _judgement(criterion, note="; ".join(refused), attempts=attempts)
        return Draft(event=verdict, cites=cites), judgement

    def _refusals(self, verdict: VerdictGiven, cites: tuple[str, ...]) -> Iterable[str]:
        """Why rules that look beyond the evidence refuse it; one row holds no other one up."""
        proposal = Proposal(event=verdict, actor="", cites=cites, recorded_at=self._now_us)
        for rule in _BEYOND:
            yield from rule.check(proposal, self._record)

    def _obstacle(
        self, criterion: CriterionDeclared, fields: Mapping[str, Any], control: str | None
    ) -> str:
        """Why no verdict can be given though there is evidence; empty if one can."""
        if criterion.control_metric is not None and control is None:
            return f"run the control first: {criterion.control_metric} on its harness"
        now = row_status(criterion.criterion, self._record)
        if criterion.seen is None and not legal_moves("row", now):
            return f"it is {now}, and there is no way out of that"
        if fields["status"] == "DISCHARGED":
            judged = self._judged
            waiting = [
                text
                for text in waiting_for(criterion, self._record)
                if text.partition(" ")[0] not in judged
            ]
            waiting += [
                f"{row} ({judged[row]})"
                for row in criterion.requires or ()
                if judged.get(row, "DISCHARGED") != "DISCHARGED"
            ]
            if waiting:
                return f"it requires {', '.join(waiting)}"
        return ""


def _judgement(
    criterion: CriterionDeclared,
    *,
    note: str,
    status: str = "unknown",
    value: object = None,
    evidence: str | None = None,
    attempts: int = 0,
) -> Judgement:
    return Judgement(
        criterion=criterion.criterion,
        status=status,
        value=value,
        operator=criterion.operator,
        threshold=criterion.threshold,
        unit=criterion.unit,
        evidence=evidence,
        attempts=attempts,
        post_hoc=criterion.seen is not None,
        note=note,
    )
