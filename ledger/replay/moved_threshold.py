"""A threshold that was loosened after a value had been seen that meets the new one alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from ledger.monitors.base import LOSSES
from ledger.replay.base import Examined, Examiner, Statement, as_number
from ledger.replay.history import History, Row

#: Operator → whether a value meets a threshold.
MEETS: Final[dict[str | None, Callable[[float, float], bool]]] = {
    "<=": lambda value, threshold: value <= threshold,
    "<": lambda value, threshold: value < threshold,
    ">=": lambda value, threshold: value >= threshold,
    ">": lambda value, threshold: value > threshold,
}
#: Names under which measurements and outcomes state a loss.
LOSS_NAMES: Final = ("val_loss", "best_loss", "best", "val")


def examine(history: History) -> Iterable[Examined]:
    """Each threshold that was moved, against every value that was seen of its row's metric."""
    for said in history.of("threshold.reported"):
        row = history.rows.get(history.row_names.get(said.subject, said.subject))
        old, new = said.number("old"), said.number("new")
        if row is None or old is None or new is None or row.operator not in MEETS:
            continue
        meets = MEETS[row.operator]
        if not meets(old, new) or old == new:  # stricter: what meets the new one meets the old
            continue
        seen = [
            (value, statement, order)
            for value, statement in _values(history, row)
            if statement.whose == said.whose
            and meets(value, new)
            and value != new
            and not meets(value, old)
            and (order := history.before(statement, said)) is not False
        ]
        yield from _finding(row, said, (old, new), seen)


def _values(history: History, row: Row) -> Iterator[tuple[float, Statement]]:
    """Values of the row's metric that anyone stated; invalid runs are no values."""
    for said in history.verdicts.get(row.name, []):
        value = said.number("observed")
        if value is not None:
            yield value, said
    names = LOSS_NAMES if row.metric in LOSSES else (row.metric,)
    for said in history.of("measurement.reported"):
        for name in names:
            value = as_number(said.body["numbers"].get(name))
            if value is not None:
                yield value, said
    for said in history.of("claim.reported"):
        value = as_number((said.body["evidence"] or {}).get(row.metric))
        if value is not None:
            yield value, said
    if row.metric not in LOSSES:
        return
    for said in (*history.of("epoch.reported"), *history.of("outcome.reported")):
        is_epoch = said.kind == "epoch.reported"
        run = history.runs.get(said.name("run") or "" if is_epoch else said.subject)
        value = said.number("val_loss" if is_epoch else "best_loss")
        if value is not None and run is not None and run.mark != "INVALID":
            yield value, said


def _finding(
    row: Row,
    said: Statement,
    moved: tuple[float, float],
    seen: Sequence[tuple[float, Statement, bool | None]],
) -> Iterable[Examined]:
    known = [one for one in seen if one[2]]
    chosen: Sequence[tuple[float, Statement, bool | None]] = known or seen
    if not chosen:
        return
    is_down = MEETS[row.operator](0.0, 1.0)
    best = (min if is_down else max)(value for value, _, _ in chosen)
    places = [statement.position for value, statement, _ in chosen if value == best]
    old, new = moved
    yield Examined(
        rule=EXAMINER.rule,
        severity="fault" if known else "undetermined",
        subject=row.name,
        events=(row.declared.position, *places, said.position),
        numbers={"old": old, "new": new, "seen": best, "seen_before": len(known), "strict": old},
        message=f"threshold {row.operator} {old:g} became {new:g} after {best:g} was seen: post "
        f"hoc; the row stays under {old:g} too, and {best:g} does not meet it",
    )


EXAMINER: Final = Examiner(
    rule="moved-threshold",
    finds="A threshold that was loosened after a value was seen that meets only the new one.",
    examine=examine,
)
