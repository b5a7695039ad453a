"""Numbers that do not follow from those they stand beside."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from ledger.replay.base import Examined, Examiner, Statement, as_number
from ledger.replay.history import History

#: What follows from what, within one statement: (result, its parts, how).
FOLLOWS: Final[tuple[tuple[str, tuple[str, ...], Callable[..., float]], ...]] = (
    ("percent", ("passed", "total"), lambda passed, total: 100.0 * passed / total),
    ("ratio", ("apr_std", "gguf_std"), lambda a, b: a / b),
    ("times_over", ("max_abs_dloss", "limit"), lambda value, limit: value / limit),
)
#: `published_x` is the `x` of the same statement, as published.
PUBLISHED: Final = "published_"
#: Ratios of rounded numbers: so much of a relative error is rounding of the parts.
ROUNDING: Final = 1e-3


def examine(history: History) -> Iterable[Examined]:
    """Measurements, comparisons, outcomes and the numbers beside claims."""
    for kind in ("measurement.reported", "comparison.reported"):
        for said in history.of(kind):
            yield from _check(said, {**said.body["rest"], **said.body["numbers"]})
    for said in history.of("outcome.reported"):
        yield from _check(said, said.body["rest"])
    for said in history.of("claim.reported"):
        yield from _check(said, said.body["evidence"] or {})
    yield from _best_losses(history)


def _check(said: Statement, numbers: Mapping[str, Any]) -> Iterator[Examined]:
    for name, computed in _computed(numbers):
        stated = as_number(numbers[name])
        if stated is not None and math.isfinite(computed) and not _is_rounded(stated, computed):
            yield _finding(said, name, stated, computed, (said.position,))


def _computed(numbers: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """(name, what it should be) of each stated number that follows from others."""
    for name, parts, how in FOLLOWS:
        values = [as_number(numbers.get(part)) for part in parts]
        if name in numbers and all(value is not None for value in values) and values[-1]:
            yield name, how(*values)
    for name in numbers:
        exact = as_number(numbers.get(name.removeprefix(PUBLISHED)))
        if name.startswith(PUBLISHED) and exact is not None:
            yield name, exact


def _is_rounded(stated: float, computed: float) -> bool:
    """Whether one is the other, rounded to as many decimals as are stated."""
    text = repr(stated)
    decimals = 0 if stated.is_integer() else len(text.partition(".")[2]) if "e" not in text else 12
    half = 0.5 * 10.0**-decimals
    return abs(stated - computed) <= half * (1 + ROUNDING)


def _best_losses(history: History) -> Iterator[Examined]:
    """The best loss of an outcome against the epochs of its run, where these are all stated."""
    epochs: dict[str, list[tuple[float, int]]] = {}
    for said in history.of("epoch.reported"):
        value = said.number("val_loss")
        if value is not None:
            epochs.setdefault(said.name("run") or "", []).append((value, said.position))
    for said in history.of("outcome.reported"):
        best, found = said.number("best_loss"), epochs.get(said.subject)
        if best is None or not found:
            continue
        least, position = min(found)
        if least < best and not _is_rounded(best, least):
            yield _finding(said, "best_loss", best, least, (said.position, position))


def _finding(
    said: Statement, name: str, stated: float, computed: float, events: tuple[int, ...]
) -> Examined:
    return Examined(
        rule=EXAMINER.rule,
        severity="fault",
        subject=said.subject,
        events=events,
        numbers={"name": name, "stated": stated, "computed": computed},
        message=f"{name} is stated as {stated:g} and is {computed:.8g}",
    )


EXAMINER: Final = Examiner(
    rule="number-does-not-follow",
    finds="A stated number that does not follow from the numbers beside it.",
    examine=examine,
)
