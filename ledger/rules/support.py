"""Whether a number can carry a verdict: measured, or derived from measured numbers alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from ledger.entry import Entry, format_hash, parse_hash
from ledger.events import KINDS
from ledger.rules.base import Record

_DEPTH = 16


def weaknesses(hash_: bytes, record: Record, depth: int = 0) -> Iterable[str]:
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
    elif provenance == "measured":
        yield from _run_weaknesses(entry, position, record)
    elif provenance != "derived":
        yield f"position {position} ({entry.kind}) is {provenance}, not measured"
    elif not entry.cites:
        yield f"position {position} ({entry.kind}) is derived, but cites nothing it came from"
    elif depth >= _DEPTH:
        yield f"position {position} is derived over more than {_DEPTH} steps"
    else:
        for cited in entry.cites:
            yield from weaknesses(parse_hash(cited), record, depth + 1)


def _run_weaknesses(entry: Entry, position: int, record: Record) -> Iterable[str]:
    run = entry.body.get("run")
    if not entry.actor.startswith("executor:"):
        yield f"position {position} says measured, but {entry.actor} is no executor"
    started = record.standing(f"run/{run}")
    if started is None:
        yield f"position {position} names run {run}, which this ledger has no start of"
    elif started[0] == "failed":
        yield f"run {run} failed at position {started[2]}"
    declared = record.standing(f"provenance/{run}")
    if declared is not None and declared[0] not in ("measured", "derived"):
        yield f"run {run} was started as {declared[0]} at position {declared[2]}"


def matches(key: Mapping[str, Any], binding: Mapping[str, Any]) -> bool:
    """Whether a measurement's key meets every condition of a criterion's binding."""
    return all(name in key and key[name] == wanted for name, wanted in binding.items())
