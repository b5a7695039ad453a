"""Judging: each declared criterion against the newest measurement that is evidence for it.

The verdict is a function of numbers (`ledger.rules.verdict`). No evidence means `unknown`, and
nothing is recorded; a verdict that changes nothing is not recorded again.
"""

from collections.abc import Sequence
from typing import Final

import attrs

from ledger.entry import parse_hash
from ledger.errors import BadArguments
from ledger.events import read_event
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.ledger import Ledger
from ledger.recorder import Draft
from ledger.rules.base import Record
from ledger.rules.support import weaknesses
from ledger.rules.verdict import decide, mismatches
from ledger.store.reader import open_reader

_CRITERIA: Final = "select name, hash from criteria where not reported order by position"
_CANDIDATES: Final = """
select hash from measurements where metric = ? and unit is not distinct from ?
order by position desc
"""


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
    note: str


def judge(ledger: Ledger, names: Sequence[str], *, actor: str | None = None) -> list[Judgement]:
    """Judge the named criteria (all, if none is named) and record the verdicts that are new.

    Raises `BadArguments` for a name that was not declared, and what `Ledger.append` raises.
    """
    with open_reader(ledger.folder) as db:
        with ledger.recorder.caught_up() as record:
            pass  # what the reader sees, the state can read
        declared = dict(db.execute(_CRITERIA).fetchall())
        unknown = [name for name in names if name not in declared]
        if unknown:
            raise BadArguments(
                f"not declared: {', '.join(unknown)}", hint="`ledger query criteria` lists them"
            )
        cases = []
        for name in dict.fromkeys(names or declared):
            criterion = _read(record, declared[name])
            assert isinstance(criterion, CriterionDeclared)
            rows = db.execute(_CANDIDATES, [criterion.metric, criterion.unit]).fetchall()
            cases.append((criterion, declared[name], [row[0] for row in rows]))
    drafts, judgements = [], []
    for criterion, declaration, candidates in cases:
        draft, judgement = _judge_one(record, criterion, declaration, candidates)
        judgements.append(judgement)
        drafts += [draft] if draft is not None else []
    if drafts:
        ledger.append(drafts, actor=actor)
    return judgements


def _judge_one(
    record: Record, criterion: CriterionDeclared, declaration: str, candidates: Sequence[str]
) -> tuple[Draft | None, Judgement]:
    """The verdict to record, if any, and what to tell."""
    matching = [hash_ for hash_ in candidates if _is_about(record, criterion, hash_)]
    reasons: list[str] = []
    for index, evidence in enumerate(matching):
        weak = list(weaknesses(parse_hash(evidence), record))
        if not weak:
            attempts = len(matching) - index
            return _verdict(record, criterion, declaration, evidence, attempts)
        reasons += weak
    note = "; ".join(reasons) if reasons else f"nothing measured {criterion.metric} for it yet"
    return None, Judgement(
        criterion=criterion.criterion,
        status="unknown",
        value=None,
        operator=criterion.operator,
        threshold=criterion.threshold,
        unit=criterion.unit,
        evidence=None,
        attempts=0,
        note=note,
    )


def _verdict(
    record: Record, criterion: CriterionDeclared, declaration: str, evidence: str, attempts: int
) -> tuple[Draft | None, Judgement]:
    measurement = _read(record, evidence)
    assert isinstance(measurement, MeasurementTaken)
    fields = decide(criterion, measurement)
    before = record.standing(f"verdict/{criterion.criterion}")
    is_new = before is None or before[0] != fields["status"]
    note = "" if is_new else f"stands since position {before[2] if before else 0}"
    judgement = Judgement(
        criterion=criterion.criterion,
        status=fields["status"],
        value=fields["value"],
        operator=fields["operator"],
        threshold=fields["threshold"],
        unit=fields["unit"],
        evidence=evidence,
        attempts=attempts,
        note=note,
    )
    if not is_new:
        return None, judgement
    verdict = VerdictGiven(**fields, declaration=declaration, evidence=evidence)
    return Draft(event=verdict, cites=(declaration, evidence)), judgement


def _is_about(record: Record, criterion: CriterionDeclared, hash_: str) -> bool:
    measurement = _read(record, hash_)
    return isinstance(measurement, MeasurementTaken) and not any(mismatches(criterion, measurement))


def _read(record: Record, hash_: str) -> object:
    found = record.read(parse_hash(hash_))
    if found is None:
        return None
    entry = found[0]
    return read_event(entry.kind, entry.schema_version, entry.body)
