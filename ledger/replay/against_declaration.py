"""A row discharged by a value that does not meet the threshold the row was declared with."""

from collections.abc import Iterable
from typing import Final

from ledger.replay.base import Examined, Examiner, as_number
from ledger.replay.history import History
from ledger.replay.moved_threshold import MEETS
from ledger.replay.repeated_discharge import DISCHARGED


def examine(history: History) -> Iterable[Examined]:
    """Each discharge that names the value it saw."""
    for name, verdicts in history.verdicts.items():
        row = history.rows.get(name)
        threshold = as_number(row.threshold) if row is not None else None
        if row is None or threshold is None or row.operator not in MEETS:
            continue
        for said in verdicts:
            value = said.number("observed")
            if said.body["status"] != DISCHARGED or value is None:
                continue
            if not MEETS[row.operator](value, threshold):
                yield Examined(
                    rule=EXAMINER.rule,
                    severity="fault",
                    subject=name,
                    events=(row.declared.position, said.position),
                    numbers={
                        "observed": value,
                        "declared": threshold,
                        "applied": said.number("threshold"),
                    },
                    message=f"discharged by {value:g}, declared as {row.operator} {threshold:g}",
                )


EXAMINER: Final = Examiner(
    rule="against-declaration",
    finds="A discharge by a value that does not meet the threshold as declared.",
    examine=examine,
)
