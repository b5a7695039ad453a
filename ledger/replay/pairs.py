"""Runs that an event holds against one another, and that differ in more than one thing."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ledger.monitors.settings import NAMES
from ledger.replay.base import Examined, Examiner, Statement
from ledger.replay.history import History, Run

#: Relations of edges between runs that do not hold one against the other.
NO_COMPARISON: Final = ("blocked_by", "resumes", "continues", "starts_from", "supersedes")
#: Keys under which any statement may name runs that it compares.
PAIR_KEYS: Final = ("run_a", "run_b", "a", "b", "runs", "baseline", "compared_with", "against")
#: Losses in nats a token are on one scale only where these are equal.
SCALE: Final = ("vocabulary", "sequence_length", "held_out_batches", "held_out_windows", "corpus")
#: What the program found out and nobody set, or what only says how long.
NO_SETTING: Final = ("steps_done", "provenance", "device_observed", "steps_asked", "epochs_asked")


def examine(history: History) -> Iterable[Examined]:
    """Each pair that an event names."""
    for said, a, b in _pairs(history):
        first, second = history.runs[a], history.runs[b]
        apart = _apart(first, second)
        scale = [name for name in apart if name in SCALE]
        if not scale and len(apart) < 2:  # one thing may differ: it is the question
            continue
        words = "; ".join(f"{name} {x} against {y}" for name, (x, y) in apart.items())
        yield Examined(
            rule=EXAMINER.rule,
            severity="fault",
            subject=f"{a}, {b}",
            events=tuple(dict.fromkeys((said.position, first.position, second.position))),
            numbers={"fields": list(apart), **{name: list(pair) for name, pair in apart.items()}},
            message=f"no A/B pair: {words}",
        )


def _pairs(history: History) -> Iterator[tuple[Statement, str, str]]:
    seen: set[tuple[str, str]] = set()
    for said in history.of("edge.reported"):
        ends = [said.name("from_name"), said.name("to_name")]
        if said.body["relation"] not in NO_COMPARISON:
            yield from _new(history, said, ends, seen)
    for kind in ("comparison.reported", "verdict.reported", "claim.reported", "run.reported"):
        for said in history.of(kind):
            yield from _new(history, said, list(_named(said)), seen)
    for kind in ("measurement.reported", "note.reported"):
        for said in history.of(kind):
            yield from _new(history, said, list(_named(said)), seen)


def _named(said: Statement) -> Iterator[str]:
    """Runs that a statement names under one of the keys, and the run that it is about."""
    found = []
    for source in (said.body["rest"], said.body.get("evidence") or {}):
        for key in PAIR_KEYS:
            value = source.get(key)
            values = value if isinstance(value, list) else [value]
            found += [said.whose + each for each in values if isinstance(each, str)]
    if found:
        yield said.subject
        yield from found


def _new(
    history: History, said: Statement, names: list[str | None], seen: set[tuple[str, str]]
) -> Iterator[tuple[Statement, str, str]]:
    runs = [name for name in dict.fromkeys(names) if name is not None and name in history.runs]
    for other in runs[1:]:
        pair = (runs[0], other) if runs[0] < other else (other, runs[0])
        if pair not in seen:
            seen.add(pair)
            yield said, runs[0], other


def _apart(a: Run, b: Run) -> dict[str, tuple[Any, Any]]:
    """Settings that both state and that differ, by their neutral names."""
    names = [name for name in NAMES if name not in NO_SETTING]
    pairs = {name: (a.settings.get(name), b.settings.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if None not in pair and pair[0] != pair[1]}


EXAMINER: Final = Examiner(
    rule="incomparable/pair",
    finds="Two runs that an event compares and that differ in scale, or in more than one setting.",
    examine=examine,
)
