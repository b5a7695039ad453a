"""Nothing is published before every blocking row of its model is met, by what is published.

A row that was met once is not enough: its evidence must stand, its demand be the one in force, and
the file that was measured be the file that goes out.
"""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.artifact import ArtifactPublished
from ledger.events.criterion import CriterionDeclared, VerdictGiven
from ledger.events.run import MeasurementTaken, RunStarted
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.comparability import mismatches
from ledger.rules.provenance import unfit
from ledger.rules.standing import (
    demand_in_force,
    event_at,
    is_refuted,
    premise_problem,
    roots,
    row_status,
    taken_away,
)
from ledger.rules.verdict import differences, meets
from ledger.statuses import MET


def open_rows(model: str, record: Record, now_us: int = 0) -> tuple[list[str], list[str]]:
    """The blocking rows of a model, and why some are not met, each with its status."""
    rows = {}
    for hash_, _ in record.listed(f"rows/{model}"):
        declared = event_at(hash_, CriterionDeclared, record)
        if declared is not None and declared.seen is None:
            rows[declared.criterion] = declared.blocking
    blocking = [row for row, is_blocking in rows.items() if is_blocking]
    unmet = []
    for row in blocking:
        status = row_status(row, record)
        if status not in MET:
            unmet.append(f"{row} is {status}")
        elif status == "DISCHARGED":
            unmet += [f"{row} is {status}, but {why}" for why in _fallen(row, record, now_us)]
    return blocking, unmet


def _fallen(row: str, record: Record, now_us: int) -> list[str]:
    """Why the verdict that a row stands by does not carry it any more."""
    known, demand = record.standing(f"verdict/{row}"), demand_in_force(row, record)
    verdict = event_at(known[1], VerdictGiven, record) if known else None
    if known is None or verdict is None or demand is None:
        return []
    if parse_hash(verdict.declaration) != demand[1]:
        return [f"its demand was declared anew at position {record.position_of(demand[1])}"]
    found = taken_away(known[1], record)
    evidence = event_at(parse_hash(verdict.evidence), MeasurementTaken, record)
    found += unfit(demand[0], parse_hash(verdict.evidence), record)
    # A verdict that came in with a merge was judged elsewhere.
    found += differences(verdict, demand[0], evidence) if evidence is not None else []
    found += _newer_failures(demand[0], verdict, record)
    for root, entry in roots(known[1], record).items():
        position = record.position_of(root)
        problem = premise_problem(entry, position or 0, record, now_us)
        found += [f"its premise fell: {problem}"] if problem else []
    return found[:1]


def _newer_failures(
    demand: CriterionDeclared, verdict: VerdictGiven, record: Record
) -> Iterable[str]:
    """Results after the evidence that could carry a verdict, and miss the demand."""
    since = record.position_of(parse_hash(verdict.evidence)) or 0
    for hash_, position in record.listed(f"results/{demand.metric}"):
        result = event_at(hash_, MeasurementTaken, record) if position > since else None
        if result is None or any(mismatches(demand, result)) or meets(demand, result):
            continue
        if not any(unfit(demand, hash_, record)):
            yield f"position {position} is newer, and {result.value} does not meet it: judge again"


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The artifact is the one that was made and measured, and every blocking row is met."""
    event = proposal.event
    if not isinstance(event, ArtifactPublished):
        return
    if proposal.branch is not None:
        yield f"it is recorded on the main line, not on branch {proposal.branch}"
    made = record.standing(f"artifact/{event.artifact}")
    if made is not None and made[0] != event.digest:
        yield f"{event.artifact} was made as {made[0]} at position {made[2]}"
    if made is not None and is_refuted(made[1], record):
        yield f"that {event.artifact} was made at position {made[2]} was refuted"
    blocking, unmet = open_rows(event.model, record, proposal.recorded_at)
    yield from unmet
    for row in blocking:
        measured = _measured_file(row, record)
        if measured not in (None, event.digest):
            yield f"{row} was measured on {measured}, which is not what is published"
    if not blocking:
        yield f"no blocking row is declared for {event.model}: nothing says what it must meet"
    elif all(row_status(row, record) in ("SUPERSEDED", "RETIRED") for row in blocking):
        yield f"no blocking row of {event.model} is in force any more: nothing shows what it can do"


def _measured_file(row: str, record: Record) -> str | None:
    """The digest of the model that a row's evidence was measured on, where its run names one."""
    known = record.standing(f"verdict/{row}")
    verdict = event_at(known[1], VerdictGiven, record) if known else None
    evidence = event_at(parse_hash(verdict.evidence), MeasurementTaken, record) if verdict else None
    started = record.standing(f"provenance/{evidence.run}") if evidence else None
    run = event_at(started[1], RunStarted, record) if started else None
    return run.inputs.get("model") if run is not None else None


RULE = Rule(name="publication", forbids="publishing while a blocking row is open", check=check)
