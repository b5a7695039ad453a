"""`tally_statuses`: which statuses a published board counts, and as what. One table for all of it.

A board counts rows that are PARTIAL or DISCHARGED. Every other status takes a row off both counts:
those below because it was looked at what they say, and one that is not here because nobody said
what it means.
"""

from typing import Final

from ledger.projections.base import View

#: Status → what it counts as: partial, discharged, or neither.
COUNTS_AS: Final = {
    "PARTIAL_ALGORITHM_LEVEL": "partial",
    "DISCHARGED": "discharged",
    "unbound": None,  # no verdict yet
    "OPEN": None,  # stated to be unmet
    "BLOCKER_FIXTURE_ABSENT": None,  # nothing to run it on; its authors left it out, too
    "DEMOTED": None,
    "STALE": None,
    "SUPERSEDED": None,
    "RETIRED": None,
    "RETRACTED": None,
    "REFUTED": None,
    "FALSIFIED": None,
    "ELIMINATED": None,
    "UNIT_ERROR": None,
}

_VALUES: Final = ", ".join(
    f"('{status}', {'null' if counts_as is None else repr(counts_as)})"
    for status, counts_as in COUNTS_AS.items()
)

TALLY_STATUSES = View(
    name="tally_statuses",
    columns=(
        ("status", "varchar", "the status"),
        ("counts_as", "varchar", "partial, discharged, or null where a board counts it as neither"),
    ),
    select=f"select status, counts_as from (values {_VALUES}) as t(status, counts_as)",  # noqa: S608
)
