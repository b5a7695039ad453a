"""A row that is discharged though it was discharged already: the second one changes nothing."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from ledger.replay.base import Examined, Examiner
from ledger.replay.history import History

#: The status that counts as D on a board.
DISCHARGED: Final = "DISCHARGED"


def examine(history: History) -> Iterable[Examined]:
    """Each discharge of a row whose verdict before it is a discharge, too."""
    for row, verdicts in history.verdicts.items():
        for earlier, later in pairwise(verdicts):
            if {earlier.body["status"], later.body["status"]} != {DISCHARGED}:
                continue
            order = history.before(earlier, later)
            yield Examined(
                rule=EXAMINER.rule,
                severity="undetermined" if order is None else "fault",
                subject=row,
                events=(earlier.position, later.position),
                numbers={"first": earlier.day, "again": later.day},
                message=f"discharged on {earlier.day} and again on {later.day}; it counts once",
            )


EXAMINER: Final = Examiner(
    rule="repeated-discharge",
    finds="A row that is discharged again though it stands discharged.",
    examine=examine,
)
