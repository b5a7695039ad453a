"""Every error a user can meet, on one page.

The base class is never raised itself. Each error says what happened in its message, what to do
next in `hint`, and how the process ends in `exit_code`. Exit code 1 has no exception here: "a rule
is not met" and "audit found missing support" are results. `ledger.cli.main` is the one place that
catches these. Anything else that is raised is a bug and is shown as one.
"""

from collections.abc import Sequence
from typing import ClassVar


class LedgerError(Exception):
    """Base of all errors of the record; never raised directly."""

    exit_code: ClassVar[int]
    name: ClassVar[str]

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadArguments(LedgerError):
    """The command was called with arguments that make no sense together."""

    exit_code = 2
    name = "bad arguments"


class Rejected(LedgerError):
    """A rule refused the event. All reasons are given at once; nothing was recorded."""

    exit_code = 3
    name = "rejected"

    def __init__(self, message: str, *, reasons: Sequence[str], hint: str) -> None:
        super().__init__(message, hint=hint)
        self.reasons = tuple(reasons)


class Conflict(LedgerError):
    """Someone else holds what this command needs, or it exists already."""

    exit_code = 4
    name = "conflict"


class Malformed(LedgerError):
    """Input that does not have the form it should have. `offset` is in bytes where known."""

    exit_code = 5
    name = "malformed input"

    def __init__(
        self, message: str, *, hint: str, offset: int | None = None, reasons: Sequence[str] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.offset = offset
        self.reasons = tuple(reasons)


class IntegrityError(LedgerError):
    """The record contradicts itself. Never retried, never swallowed, never repaired silently."""

    exit_code = 6
    name = "integrity"

    def __init__(self, message: str, *, hint: str, position: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.position = position


class StoreFailed(LedgerError):
    """The disk, the database or the lock did not do what was asked."""

    exit_code = 7
    name = "store failed"


class TemplateFailed(LedgerError):
    """A template could not be rendered; the message names file and line."""

    exit_code = 7
    name = "template failed"


class ExecutorFailed(LedgerError):
    """An executor could not do its work; its run is recorded as failed."""

    exit_code = 7
    name = "executor failed"
