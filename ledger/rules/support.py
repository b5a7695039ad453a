"""Whether a number can carry a verdict: measured, or derived from measured numbers alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from ledger import canonical
from ledger.entry import Entry, format_hash, parse_hash
from ledger.events import KINDS
from ledger.ids import qualify
from ledger.rules.base import Facts

_DEPTH = 16


def weaknesses(hash_: bytes, record: Facts, depth: int = 0) -> Iterable[str]:
    """Why the entry cannot carry a verdict, following what it was derived from; empty if it can."""
    found = record.read(hash_)
    name = format_hash(hash_)[:19] + "…"
    if found is None:
        yield f"{name} is not in this ledger"
        return
    entry, position = found
    kind = KINDS.get(entry.kind)
    provenance = entry.body.get("provenance")
    if kind is None or kind.family != "instrument" or provenance is None:
        yield f"position {position} ({entry.kind}) is not a measurement"
        return
    if provenance not in ("measured", "derived"):
        yield f"position {position} ({entry.kind}) is {provenance}, not measured"
        return
    if record.standing(f"refuted/{format_hash(hash_)}") is not None:
        yield f"position {position} ({entry.kind}) was refuted"
        return
    if not record.counts(entry, position):
        yield f"position {position} ({entry.kind}) is on a branch that is not merged"
        return
    yield from _run_weaknesses(entry, position, record)
    if provenance == "derived":
        yield from _derivation_weaknesses(entry, position, record, depth)


def _derivation_weaknesses(entry: Entry, position: int, record: Facts, depth: int) -> Iterable[str]:
    """What is wrong with what a number was derived from."""
    if not entry.cites:
        yield f"position {position} ({entry.kind}) is derived, but cites nothing it came from"
    elif entry.kind == "comparison.made" and entry.body["trace_a"] == entry.body["trace_b"]:
        yield f"position {position} compares a trace with itself, which cannot fail"
    elif depth >= _DEPTH:
        yield f"position {position} is derived over more than {_DEPTH} steps"
    else:
        for cited in entry.cites:
            yield from weaknesses(parse_hash(cited), record, depth + 1)


def _run_weaknesses(entry: Entry, position: int, record: Facts) -> Iterable[str]:
    """Whether the entry was recorded by its run, while that run was under way."""
    run = qualify(str(entry.body.get("run")), entry.origin, record.origin)
    started, latest = record.standing(f"provenance/{run}"), record.standing(f"run/{run}")
    begun = record.read(started[1]) if started is not None else None
    if started is None or begun is None or latest is None:
        yield f"position {position} names run {run}, which this ledger has no start of"
        return
    if not entry.actor.startswith("executor:") or entry.actor != begun[0].actor:
        yield f"position {position} was recorded by {entry.actor}; run {run} is {begun[0].actor}'s"
    if started[0] not in ("measured", "derived"):
        yield f"run {run} was started as {started[0]} at position {started[2]}"
    if position < started[2] or (latest[0] == "finished" and position > latest[2]):
        yield f"position {position} lies outside run {run}"
    if latest[0] == "failed":
        yield f"run {run} failed at position {latest[2]}"
    if record.standing(f"refuted/{format_hash(started[1])}") is not None:
        yield f"run {run} was refuted"
    mark = record.standing(f"mark/{run}")
    if mark is not None and mark[0] != "SOUND":
        yield f"run {run} was marked {mark[0]} at position {mark[2]}"


def matches(key: Mapping[str, Any], binding: Mapping[str, Any]) -> bool:
    """Whether a measurement's key meets every condition of a criterion's binding.

    Values are compared as JSON writes them: true is not 1, and 1 is not "1".
    """
    return all(
        name in key and canonical.encode(key[name]) == canonical.encode(wanted)
        for name, wanted in binding.items()
    )
