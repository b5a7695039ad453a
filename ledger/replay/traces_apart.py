"""Traces of two engines that state one point of one layer, taken in different ways."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from typing import Any, Final

from ledger.replay.base import Examined, Examiner, Statement
from ledger.replay.history import History


def examine(history: History) -> Iterable[Examined]:
    """Each pair of traces of one layer; no statement says that they were compared."""
    layers: dict[tuple[str, int], list[Statement]] = defaultdict(list)
    for said in history.of("trace.reported"):
        if said.body["layer"] is not None and said.body["engine"] is not None:
            layers[said.whose, said.body["layer"]].append(said)
    for (_, layer), traces in layers.items():
        for a, b in combinations(traces, 2):
            if a.body["engine"] == b.body["engine"]:
                continue
            apart = _apart(a, b)
            if apart:
                words = "; ".join(f"{name} {x} against {y}" for name, (x, y) in apart.items())
                yield Examined(
                    rule=EXAMINER.rule,
                    severity="suspect",
                    subject=f"{a.subject}, {b.subject}",
                    events=(a.position, b.position),
                    numbers={"layer": layer, "fields": {k: list(v) for k, v in apart.items()}},
                    message=f"layer {layer}: cannot be held against one another: {words}",
                )


def _apart(a: Statement, b: Statement) -> dict[str, tuple[Any, Any]]:
    """What differs in how two traces were taken, for points that both state."""
    shared = _points(a) & _points(b)
    if not shared:
        return {}
    found: dict[str, tuple[Any, Any]] = {}
    scopes = (a.body["scope"], b.body["scope"])
    if None not in scopes and scopes[0] != scopes[1]:
        found["scope"] = scopes
    for point in sorted(shared):
        taken = tuple((said.body["capture"] or {}).get(point) for said in (a, b))
        if None not in taken and taken[0] != taken[1]:
            found[f"capture of {point}"] = (taken[0], taken[1])
    return found


def _points(said: Statement) -> set[str]:
    """Points that a trace states, whether by point or by statistic."""
    if said.body["point"] is not None:
        return {said.body["point"]}
    names: set[str] = set()
    for name, value in said.body["statistics"].items():
        is_statistic = name in ("std", "mean", "min", "max", "rms")
        names |= set(value) if is_statistic and isinstance(value, dict) else {name}
    return names


EXAMINER: Final = Examiner(
    rule="incomparable/trace",
    finds="Traces of two engines that state one point, but before a bias, or of other tokens.",
    examine=examine,
)
