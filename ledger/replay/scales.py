"""One threshold for losses on several scales.

A loss in nats a token depends on what a token is, and on how much text stands before it: over
another vocabulary or another sequence length the same model has another loss.
"""

from collections.abc import Iterable
from typing import Any, Final

from ledger.monitors.base import LOSSES
from ledger.replay.base import Examined, Examiner
from ledger.replay.history import History, Row, Run

#: Settings that make the scale, and those within which a difference is looked for.
SCALES: Final = (("vocabulary", ()), ("sequence_length", ("vocabulary",)))
#: Results that are the loss of a run.
RESULTS: Final = ("best_loss", "val_loss", "val")


def examine(history: History) -> Iterable[Examined]:
    """Each row whose metric is a loss, against the runs that state one."""
    for row in history.rows.values():
        if row.metric in LOSSES:
            for setting, within in SCALES:
                yield from _of_setting(history, row, setting, within)


def _of_setting(
    history: History, row: Row, setting: str, within: tuple[str, ...]
) -> Iterable[Examined]:
    groups: dict[tuple[Any, ...], dict[Any, tuple[float, int, Run]]] = {}
    for run in history.runs.values():
        if run.whose != row.declared.whose:
            continue
        best = _best(run)
        value = run.settings.get(setting)
        if best is None or value is None or run.mark == "INVALID":
            continue
        if any(run.settings.get(name) is None for name in within):
            continue
        group = groups.setdefault(tuple(run.settings[name] for name in within), {})
        if value not in group or best[0] < group[value][0]:
            group[value] = (*best, run)
    for key, group in groups.items():
        if len(group) < 2:
            continue
        found = dict(sorted(group.items(), key=lambda item: str(item[0])))
        words = ", ".join(f"{loss:g} at {value} ({r.run})" for value, (loss, _, r) in found.items())
        yield Examined(
            rule=EXAMINER.rule,
            severity="suspect",
            subject=row.name,
            events=(row.declared.position, *(position for _, position, _ in found.values())),
            numbers={
                "field": setting,
                **dict(zip(within, key, strict=True)),
                "losses": {str(value): loss for value, (loss, _, _) in found.items()},
                "runs": [run.run for _, _, run in found.values()],
            },
            message=f"losses that differ in {setting} are not comparable: {words}",
        )


def _best(run: Run) -> tuple[float, int] | None:
    """The least loss that is stated of a run as a whole, and where."""
    found = [(r.value, r.position) for r in run.results if r.name in RESULTS]
    return min(found) if found else None


EXAMINER: Final = Examiner(
    rule="incomparable/scale",
    finds="A criterion on a loss, under which stand losses of other vocabularies or lengths.",
    examine=examine,
)
