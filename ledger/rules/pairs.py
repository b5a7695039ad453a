"""Two results are an A/B pair when everything is equal but one thing.

That one thing is a field of their keys, or an argument of their runs; the event names it.
"""

from collections.abc import Iterable
from typing import Any

from ledger import canonical
from ledger.entry import parse_hash
from ledger.events.artifact import PairCompared
from ledger.events.run import MeasurementTaken, RunStarted
from ledger.rules.base import Facts, Proposal, Record, Rule
from ledger.rules.standing import event_at
from ledger.rules.support import weaknesses
from ledger.rules.threshold import is_same


def settings(result: MeasurementTaken, record: Facts) -> dict[str, Any]:
    """What a result was measured under: `key.…` of the measurement, `arguments.…` of its run."""
    found = {f"key.{name}": value for name, value in result.key.items()}
    started = record.standing(f"provenance/{result.run}") if result.run else None
    run = event_at(started[1], RunStarted, record) if started else None
    if run is not None:
        found |= {f"arguments.{name}": value for name, value in run.arguments.items()}
        found |= {"seed": run.seed, "device": run.device_observed, "dtype": run.dtype}
        found |= {name: getattr(run, name) for name in ("executor", "program", "compiler")}
        for room in ("inputs", "model", "environment"):
            found |= {f"{room}.{name}": value for name, value in getattr(run, room).items()}
    return found


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Names under which two settings differ, in order."""
    return [
        name
        for name in sorted(one.keys() | other.keys())
        if name not in one
        or name not in other
        or canonical.encode(one[name]) != canonical.encode(other[name])
    ]


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """Metric and unit are equal, values are the results', and exactly the named field differs."""
    pair = proposal.event
    if not isinstance(pair, PairCompared):
        return
    sides = [event_at(parse_hash(h), MeasurementTaken, record) for h in (pair.a, pair.b)]
    a, b = sides
    if a is None or b is None:
        yield "a pair is two measurements of this ledger"
        return
    for name, side, value, hash_ in (
        ("a", a, pair.value_a, pair.a),
        ("b", b, pair.value_b, pair.b),
    ):
        yield from weaknesses(parse_hash(hash_), record)
        if hash_ not in proposal.cites:
            yield f"a pair cites both results; {name} is not cited"
        is_its = (side.metric, side.unit) == (pair.metric, pair.unit)
        if not is_its or not is_same(value, side.value):
            yield f"{name} is {side.metric} = {side.value} {side.unit}"
    found = differing(settings(a, record), settings(b, record))
    if found != [pair.differs]:
        more = [name for name in found if name != pair.differs]
        yield (
            f"they are not comparable as a pair: besides {pair.differs}, {', '.join(more)} differ"
            if more
            else f"{pair.differs} does not differ"
        )


RULE = Rule(
    name="pairs", forbids="an A/B comparison in which more than one thing differs", check=check
)
