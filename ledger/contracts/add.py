"""Adding a contract: the file and everything it declares, in one batch or not at all.

What is recorded is computed under the lock that it is recorded under: of two processes that add one
version, the second finds it on record and is refused.
"""

import re
from collections.abc import Sequence
from typing import Final

import attrs

from ledger.contracts.base import FORM, YAML, Check, Document, Finding, Surroundings
from ledger.contracts.lint import CHECKS, lint
from ledger.contracts.plan import Change, plan
from ledger.contracts.reading import HINT
from ledger.draft import Draft
from ledger.errors import Malformed, Rejected
from ledger.ledger import Ledger, require_actor
from ledger.recorder import Receipt
from ledger.state import State

_HINT: Final = "mend what the reasons name; `ledger contract lint FILE` finds the same"
#: What is asked again under the lock. The rules the recorder asks there itself.
_AT_ONCE: Final = tuple(check for check in CHECKS if check.needs == "file")
_EVENT: Final = re.compile(r"event (\d+): ")


@attrs.frozen(slots=True, kw_only=True)
class Added:
    """What adding a file did, or would do: the changes, each with its receipt if recorded."""

    changes: tuple[Change, ...]
    receipts: dict[int, Receipt]


def add(
    ledger: Ledger, document: Document, around: Surroundings, *, dry_run: bool = False
) -> Added:
    """Record a contract, unless anything is wrong with it.

    Raises `Malformed` where the file has not the form and `Rejected` for everything else that a
    check or a rule finds, with every finding at once; nothing was recorded then. Raises
    `BadArguments` where nobody adds it.
    """
    require_actor(around.actor)
    with ledger.recorder.caught_up() as state:
        changes = _checked(document, around, state, CHECKS)
    if dry_run:
        return Added(changes=tuple(changes), receipts={})
    ledger.write_blob(document.data)
    recorded: list[Change] = []

    def select(state: State, _drafts: Sequence[Draft]) -> list[Draft]:
        """What is to be recorded, as the record stands under the lock."""
        recorded[:] = _checked(document, around, state, _AT_ONCE)
        return [change.draft for change in recorded if change.draft is not None]

    try:
        receipts = iter(ledger.append([], actor=around.actor, select=select))
    except Rejected as error:
        reasons = [_named(reason, recorded) for reason in error.reasons]
        raise Rejected(error.message, reasons=reasons, hint=error.hint) from error
    return Added(
        changes=tuple(recorded),
        receipts={
            number: next(receipts)
            for number, change in enumerate(recorded)
            if change.draft is not None
        },
    )


def _checked(
    document: Document, around: Surroundings, state: State, checks: Sequence[Check]
) -> list[Change]:
    refuse(document.file, lint(document, attrs.evolve(around, record=state), checks))
    return plan(document, state)


def refuse(file: str, findings: Sequence[Finding]) -> None:
    """Raise `Malformed` or `Rejected` with all findings, if there are any."""
    reasons = [str(finding) for finding in findings]
    if any(finding.check in (YAML, FORM) for finding in findings):
        raise Malformed(f"{file} is no contract; nothing was recorded", hint=HINT, reasons=reasons)
    if findings:
        raise Rejected(f"{file} was not added; nothing was recorded", hint=_HINT, reasons=reasons)


def _named(reason: str, changes: Sequence[Change]) -> str:
    """A reason of the recorder, which counts events, by the name of what it is about."""
    drafted = [change.name for change in changes if change.draft is not None]
    found = _EVENT.match(reason)
    return f"{drafted[int(found[1]) - 1]}: {reason[found.end() :]}" if found else reason
